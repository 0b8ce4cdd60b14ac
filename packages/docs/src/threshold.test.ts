import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { shellCommands } from '@dpar/config/code-blocks';
import { calibrateThreshold } from '@dpar/entropy';
import { isValidation } from '@dpar/example-kit/emoji';
import { toHostTensor } from '@dpar/io';
import { openSafetensors } from '@dpar/io/node';
import { expect, it } from 'vitest';
import { blocksOf } from './testing/blocks.js';
import { writeEmojiImages } from './testing/emoji-images.js';
import { enterWorkFolder, runCommand } from './testing/work-folder.js';

const guide = 'packages/docs/guides/threshold.md';

it('has the thresholds of the shipped emoji model', { timeout: 300_000 }, async () => {
  const text = readFileSync(new URL('../guides/threshold.md', import.meta.url), 'utf8');
  const row = /^\| ([\d.]+) \| ([\d.]+) nats \| ([\d.]+) nats \| ([\d.]+) \|$/gm;
  const rows = [...text.matchAll(row)].map((match) => match.slice(1).map(Number));
  expect(rows).toHaveLength(5);

  await enterWorkFolder();
  expect(await writeEmojiImages('images', ({ unified }) => isValidation(unified))).toBe(89);
  const model = 'node_modules/@dpar/emoji/model';
  await runCommand(`dpar tokenize --tokenizer ${model}/tokenizer --input images --output tokens`);
  const shard = (await readdir('tokens')).find((name) => name.endsWith('.safetensors'));
  await runCommand(`dpar entropy --checkpoint ${model}/entropy --input tokens/${shard} --output entropies.safetensors`);
  const file = await openSafetensors('entropies.safetensors');
  const entropies = toHostTensor(await file.read('entropies'));
  await file.close();
  for (const [target = 0, atMost4 = 0, atMost8 = 0, patches = 0] of rows) {
    for (const [maxPatchLength, threshold] of [
      [4, atMost4],
      [8, atMost8],
    ] as const) {
      const found = calibrateThreshold(entropies, { targetMeanPatchLength: target, maxPatchLength, rowLength: 16 });
      expect(found.threshold).toBeCloseTo(threshold, 2);
      expect(found.meanPatches).toBeCloseTo(patches, 0);
    }
  }

  const [command = ''] = blocksOf(guide, 'sh').flatMap(shellCommands);
  const printed = await runCommand(command);
  expect(Number(/threshold +([\d.]+)/.exec(printed)?.[1])).toBeCloseTo(rows[1]?.[1] as number, 2);
});
