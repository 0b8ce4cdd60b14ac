import * as fs from 'node:fs/promises';
import { chdir, cwd } from 'node:process';
import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import * as io from '@dpar/io';
import { readSafetensors } from '@dpar/io/node';
import { expect, it } from 'vitest';
import * as library from './index.js';

it('prints what the README says', async () => {
  const [example = '', merging = ''] = readmeExamples(new URL('../README.md', import.meta.url));
  const before = cwd();
  chdir(await temporaryFolder());
  try {
    const modules = { 'node:fs/promises': fs, '@dpar/io': io, '@dpar/shards': library };
    expect(await printedBy(example, modules)).toBe(expectedOutput(example));
    expect(await printedBy(merging, { '@dpar/shards': library })).toBe('');
    const square = (await readSafetensors('squares.safetensors')).tensors.get('square');
    expect([...io.toFloat64Array(square as NonNullable<typeof square>)]).toEqual([0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
  } finally {
    chdir(before);
  }
});
