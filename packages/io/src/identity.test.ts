import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { fileDigest } from './identity.js';

it('is the SHA-256 of the contents one after the other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dpar-digest-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'a'), 'a');
  writeFileSync(join(folder, 'bc'), 'bc');
  // The example of FIPS 180-4.
  const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(await fileDigest(join(folder, 'a'), join(folder, 'bc'))).toBe(expected);
  await expect(fileDigest(join(folder, 'none'))).rejects.toThrow('ENOENT');
});
