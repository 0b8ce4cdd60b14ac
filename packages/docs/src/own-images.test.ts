import { readdir, rename, stat } from 'node:fs/promises';
import { shellCommands } from '@dpar/config/code-blocks';
import { expect, it } from 'vitest';
import { blocksOf } from './testing/blocks.js';
import { writeEmojiImages } from './testing/emoji-images.js';
import { enterWorkFolder, runCommand } from './testing/work-folder.js';

const guide = 'packages/docs/guides/own-images.md';

it('goes from pictures to a model, as the guide says, in small', { timeout: 300_000 }, async () => {
  await enterWorkFolder();
  const counts = new Map<string, number>();
  const classes = new Map([
    ['Flags', 'beach'],
    ['Food & Drink', 'forest'],
    ['Smileys & Emotion', 'mountain'],
  ]);
  await writeEmojiImages('photos', ({ category }) => {
    const count = counts.get(category) ?? 0;
    counts.set(category, count + 1);
    return classes.has(category) && count < 9;
  });
  for (const [category, name] of classes) await rename(`photos/${category.replace(/\W+/g, '-')}`, `photos/${name}`);
  const [install, ...commands] = blocksOf(guide, 'sh').flatMap(shellCommands);
  expect(install).toBe('npm install --onnxruntime-node-install=skip @dpar/cli');
  const [created, drawn, play, page, longer, from] = commands;
  expect([play, page, from]).toEqual([
    'dpar play run',
    'dpar page --model run --output site',
    'dpar create more-photos --output run2 --from run',
  ]);
  await runCommand(inSmall(created?.replace('npx ', '') ?? ''));
  await runCommand(drawn ?? '');
  await runCommand(inSmall(longer ?? ''));
  expect((await stat('pictures.png')).size).toBeGreaterThan(500);
  expect((await readdir('run')).sort()).toEqual(expect.arrayContaining(['dpar-2', 'grid.png', 'model', 'report.html']));
});

/** Fewer steps and smaller models. */
function inSmall(command: string): string {
  const steps = ['tokenizer.steps=3', 'entropy.steps=3', 'dpar.steps=4', 'dpar.samples.count=2'];
  return `${command} --size XS --resolution 32 --set ${steps.join(' ')}`;
}
