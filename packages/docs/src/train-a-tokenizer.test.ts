import { readdir, stat, writeFile } from 'node:fs/promises';
import { shellCommands } from '@dpar/config/code-blocks';
import { readTrainConfig } from '@dpar/train';
import { expect, it } from 'vitest';
import { blocksOf } from './testing/blocks.js';
import { writeEmojiImages } from './testing/emoji-images.js';
import { enterWorkFolder, runCommand } from './testing/work-folder.js';

const guide = 'packages/docs/guides/train-a-tokenizer.md';

it('trains a tokenizer and uses it, as the guide says, in small', { timeout: 300_000 }, async () => {
  await enterWorkFolder();
  let count = 24;
  await writeEmojiImages('photos', () => count-- > 0);
  const [text = '', ...fragments] = blocksOf(guide, 'json');
  await writeFile('tokenizer.json', text);
  const [install, ...commands] = blocksOf(guide, 'sh').flatMap(shellCommands);
  expect(install).toBe('npm install --onnxruntime-node-install=skip @dpar/cli');
  expect(commands.map((command) => command.split(' ')[1])).toEqual(['train', 'tokenize']);
  const [train = '', tokenize = ''] = commands;
  const few = 'steps=3 batch_size=2 optimizer.warmup_steps=1 model.ch=32 data.validation_share=0.3';
  expect(await runCommand(`${train} --set ${few}`)).toMatch(/^3 steps, loss [\d.]+, validation [\d.]+, PSNR [\d.]+ dB/);
  expect(await readdir('tokenizer')).toEqual(expect.arrayContaining(['best', 'last', 'report.html', 'samples']));
  expect(await runCommand(tokenize)).toMatch(/PSNR/);
  expect((await stat('check.png')).size).toBeGreaterThan(500);

  // The fragments are parts of a configuration.
  for (const fragment of fragments) {
    const merged = { ...JSON.parse(text), ...JSON.parse(fragment) };
    expect(readTrainConfig(merged)).toMatchObject(JSON.parse(fragment));
  }
});
