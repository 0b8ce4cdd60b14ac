import { readdir, stat, writeFile } from 'node:fs/promises';
import { shellCommands } from '@dpar/config/code-blocks';
import { exportOnnx } from '@dpar/engine-ort';
import { named } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { blocksOf } from './testing/blocks.js';
import { writeEmojiImages } from './testing/emoji-images.js';
import { enterWorkFolder, runCommand } from './testing/work-folder.js';

const guide = 'packages/docs/guides/step-by-step.md';

it('goes from images to figures, as the guide says, in small', { timeout: 300_000 }, async () => {
  await enterWorkFolder();
  const counts = new Map<string, number>();
  await writeEmojiImages('photos', ({ category }) => {
    const count = counts.get(category) ?? 0;
    counts.set(category, count + 1);
    return ['Flags', 'Food & Drink', 'Smileys & Emotion'].includes(category) && count < 6;
  });
  await writeFile('means.onnx', onnx);
  const configs = blocksOf(guide, 'json');
  expect(configs.map((text) => JSON.parse(text).output)).toEqual(['entropy', 'dpar']);
  for (const text of configs) await writeFile(`${JSON.parse(text).output}.json`, text);

  const [install, ...commands] = blocksOf(guide, 'sh').flatMap(shellCommands);
  expect(install).toBe('npm install --onnxruntime-node-install=skip @dpar/cli @dpar/emoji');
  expect(commands.map((command) => command.split(' ')[1])).toEqual([
    ...['tokenize', 'train', 'calibrate', 'train', 'sample', 'sample', 'eval'],
  ]);
  for (const command of commands) {
    const printed = await runCommand(inSmall(command));
    if (command.startsWith('dpar tokenize')) {
      // The tokenizer was trained on images like these.
      expect(Number(/PSNR ([\d.]+) dB/.exec(printed)?.[1])).toBeGreaterThan(22);
    }
    if (command.startsWith('dpar calibrate')) {
      const shown = blocksOf(guide, '')[1]?.replaceAll(/[.]/g, '\\.').replaceAll('\\.\\.\\.', '[\\d.]+');
      expect(printed.replaceAll(/ +/g, ' ')).toMatch(new RegExp(shown?.replaceAll(/ +/g, ' ') ?? 'none'));
    }
    if (command.startsWith('dpar eval')) expect(printed).toMatch(/^Fréchet distance +[\d.]+/m);
  }
  expect((await stat('grid.png')).size).toBeGreaterThan(500);
  expect((await readdir('samples')).filter((name) => name.endsWith('.png'))).toHaveLength(6);

  /** Fewer steps and images; and a network of block means in place of Inception-v3, which is no part of the repository. */
  function inSmall(command: string): string {
    const few = command.startsWith('dpar train') ? `${command} --set steps=3 optimizer.warmup_steps=1` : command;
    return few.replace(/--count \d+/, '--count 6').replace(/--features \S+/, '--features means.onnx --range unit');
  }
});

const type = { dtype: 'float32', shape: [2, 3, 64, 64] } as const;
const onnx = exportOnnx(
  (ops, inputs) => ({
    pool: ops.reshape(ops.averagePool2d(named(inputs, 'images'), { kernel: [32, 32], stride: 32 }), [2, 12]),
  }),
  { images: type },
);
