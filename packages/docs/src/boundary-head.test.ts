import { readFile, stat, writeFile } from 'node:fs/promises';
import { shellCommands } from '@dpar/config/code-blocks';
import { expect, it } from 'vitest';
import { blocksOf } from './testing/blocks.js';
import { writeEmojiImages } from './testing/emoji-images.js';
import { enterWorkFolder, runCommand } from './testing/work-folder.js';

const guide = 'packages/docs/guides/boundary-head.md';

it('trains a boundary head and tunes a model to it, as the guide says, in small', { timeout: 300_000 }, async () => {
  await enterWorkFolder();
  const first = (count: number) => () => count-- > 0;
  await writeEmojiImages('images', first(6));
  await writeEmojiImages('more-images', first(4));
  const configs = blocksOf(guide, 'json');
  expect(configs.map((text) => JSON.parse(text).output)).toEqual(['head', 'tuned']);
  const commands = blocksOf(guide, 'sh').flatMap(shellCommands);
  expect(commands.map((command) => command.split(' ')[1])).toEqual([
    'tokenize',
    'tokenize',
    'train',
    'sample',
    'train',
  ]);
  for (const command of commands) {
    if (!command.startsWith('dpar train')) {
      await runCommand(command);
      continue;
    }
    // Fewer steps, and the threshold that the run before has found.
    const text = configs.shift() ?? '';
    const { output } = JSON.parse(text);
    await writeFile(`${output}.json`, text);
    const few = ['steps=3', 'optimizer.warmup_steps=1', 'batch_size=2'];
    if (output === 'tuned') few.push(`model.patching.threshold=${await thresholdOf('head')}`);
    const printed = await runCommand(`${command} --set ${few.join(' ')}`);
    expect(printed.includes('correlation')).toBe(output === 'head');
  }
  expect((await stat('grid.png')).size).toBeGreaterThan(500);
  expect(await thresholdOf('tuned')).toBe(await thresholdOf('head'));
});

async function thresholdOf(run: string): Promise<number> {
  return JSON.parse(await readFile(`${run}/last/config.json`, 'utf8')).boundary_head.threshold;
}
