import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeFolder } from './make-folder.js';

it('makes a folder with those above it, and says what is in its way', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dpar-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'a', 'b', 'c');
  await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(folder, 'a', 'd'))]);
  expect(statSync(path).isDirectory()).toBe(true);
  await makeFolder(path);
  writeFileSync(join(folder, 'file'), '');
  await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  if (process.platform === 'win32') return;
  symlinkSync('nowhere', join(folder, 'link'));
  await expect(makeFolder(join(folder, 'link', 'below'))).rejects.toThrow();
});
