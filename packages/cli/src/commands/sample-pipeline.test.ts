import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { emojiFolder } from '@dpar/emoji/node';
import { loadPipeline, type SavableImages } from '@dpar/pipeline/node';
import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { readTensors } from '../input-files.js';
import { rowsOf, sample } from '../testing/sampling.js';

const count = 3;

/** Runs `dpar sample` with the emoji model `name`, and draws the same images by the pipeline. */
async function drawBoth(name: 'dpar' | 'llamagen', output: string, batchSize: number): Promise<SavableImages> {
  const folders = ['--checkpoint', join(emojiFolder, name), '--tokenizer', join(emojiFolder, 'tokenizer')];
  const settings = [
    '--classes',
    'Flags,0',
    '--count',
    `${count}`,
    '--seed',
    '7',
    '--guidance-scale',
    '1.5',
    '--top-p',
    '0.98',
  ];
  await sample(...folders, ...settings, '--output', output);
  const pipeline = await loadPipeline('@dpar/emoji', { model: name, threads: 1 });
  const images = await pipeline.generate({ class: ['Flags', 0], count, seed: 7, batchSize });
  await pipeline.dispose();
  return images;
}

it.each(['dpar', 'llamagen'] as const)('draws the tokens of the pipeline with %s', async (name) => {
  const output = join(await temporaryFolder(), 'tokens.safetensors');
  const { tokens, patchLengths = [], labels } = await drawBoth(name, output, 2);
  const file = await readTensors(output);
  expect(tokens).toEqual(file.tokens?.data);
  expect(labels).toEqual(file.labels?.data);
  const lengths = file.patch_lengths === undefined ? [] : rowsOf(file.patch_lengths);
  expect(patchLengths.map((image) => [...image])).toEqual(lengths.map((image) => image.filter((length) => length > 0)));
});

it('draws the pictures of the pipeline', async () => {
  const output = join(await temporaryFolder(), 'pictures');
  const images = await drawBoth('dpar', output, 16);
  for (let i = 0; i < count; i++) {
    const { data } = decode(await readFile(join(output, `00000${i}.png`)));
    expect(data).toEqual(decode(images.png(i)).data);
  }
});
