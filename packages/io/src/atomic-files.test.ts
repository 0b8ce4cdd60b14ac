import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { expect, it } from 'vitest';
import { writeFilesAtomic } from './atomic-file.js';

it('writes files that belong together, and replaces older ones', async () => {
  const folder = await temporaryFolder();
  const [data, index] = [join(folder, 'new', 'data'), join(folder, 'new', 'index')];
  for (const text of ['one', 'two']) {
    await writeFilesAtomic([
      { path: data, content: [Buffer.from(text), Buffer.from('!')] },
      { path: index, content: `see ${text}` },
    ]);
    expect(await readFile(data, 'utf8')).toBe(`${text}!`);
    expect(await readFile(index, 'utf8')).toBe(`see ${text}`);
  }
  expect((await readdir(join(folder, 'new'))).sort()).toEqual(['data', 'index']);
  await writeFilesAtomic([]);
});

it('leaves all as it was if one of them fails', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'index'), 'old');
  async function* broken() {
    yield Buffer.from('new');
    throw new Error('no more');
  }
  const files = [
    { path: join(folder, 'data'), content: 'new' },
    { path: join(folder, 'index'), content: broken() },
  ];
  await expect(writeFilesAtomic(files)).rejects.toThrow('no more');
  expect(await readdir(folder)).toEqual(['index']);
  expect(await readFile(join(folder, 'index'), 'utf8')).toBe('old');
});
