import { execFile } from 'node:child_process';
import { readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { shellCommands } from '@dpar/config/code-blocks';
import { expect, it } from 'vitest';
import { blocksOf } from './testing/blocks.js';
import { enterWorkFolder, runCommand } from './testing/work-folder.js';

const guide = 'packages/docs/guides/fine-tuning.md';

/** Images of each class that are kept. */
const images = 2;

it('fine-tunes the model of the package, as the guide says, in small', { timeout: 300_000 }, async () => {
  const folder = await enterWorkFolder();
  const set = createRequire(import.meta.url).resolve('emoji-datasource-twitter/package.json');
  await symlink(dirname(set), join(folder, 'node_modules/emoji-datasource-twitter'), 'junction');
  const [program = ''] = blocksOf(guide, 'js');
  await writeFile('folders.mjs', program);
  await promisify(execFile)(process.execPath, ['folders.mjs'], { cwd: folder });
  expect([await countFiles('photos'), await countFiles('held')]).toEqual([1451, 69]);
  for (const place of ['photos', 'held']) {
    for (const name of await readdir(place)) {
      for (const file of (await readdir(join(place, name))).slice(images)) await rm(join(place, name, file));
    }
  }
  const [text = '', ...others] = blocksOf(guide, 'json');
  expect(others).toEqual([]);
  await writeFile('tuned.json', text);
  const commands = blocksOf(guide, 'sh').flatMap(shellCommands);
  expect(commands.map((command) => command.split(' ')[1])).toEqual(['tokenize', 'tokenize', 'train', 'sample']);
  for (const command of commands) {
    const few = command.startsWith('dpar train') ? ' --set steps=2 optimizer.warmup_steps=1 batch_size=2' : '';
    await runCommand(command + few);
  }
  const { parts } = JSON.parse(await readFile('tuned/starts-from.json', 'utf8'));
  const [shown = ''] = blocksOf(guide, '');
  for (const { name, parameters, taken, notes } of parts.slice(0, 2)) {
    expect(taken).toBe(parameters);
    expect(shown).toContain(
      `train:   ${[`${name}: all ${parameters.toLocaleString('en-US')}`, ...notes].join('; ')}\n`,
    );
  }
  expect((await stat('grid.png')).size).toBeGreaterThan(5000);
});

const countFiles = async (folder: string): Promise<number> =>
  (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.png')).length;
