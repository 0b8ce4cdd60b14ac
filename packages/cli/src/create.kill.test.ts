import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { expect, it } from 'vitest';
import { drawPictures, tinyCreate } from './testing/pictures.js';

const bin = fileURLToPath(new URL('../bin/dpar.js', import.meta.url));

/** Starts the built command in a process of its own. */
function start(pictures: string, output: string) {
  const argv = [bin, 'create', pictures, '--output', output, ...tinyCreate, '--set', 'dpar.checkpoints.every=3'];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const end = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, end, stderr: () => stderr };
}

/** Kills a run when a file of it appears. */
async function killAt(pictures: string, output: string, file: string): Promise<void> {
  const { child, end } = start(pictures, output);
  while (child.exitCode === null && !existsSync(join(output, file))) await setTimeout(5);
  child.kill('SIGKILL');
  await end;
}

it('a killed run, started again, ends with the same weights', { timeout: 240_000 }, async () => {
  const folder = await temporaryFolder();
  const pictures = join(folder, 'pictures');
  await drawPictures(pictures, 26);
  const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
  const undisturbed = start(pictures, whole);
  expect([await undisturbed.end, undisturbed.stderr()]).toEqual([0, expect.any(String)]);
  // While it starts, trains and draws, and before the record says that it is done. `npm run bench -- --endurance` has random moments.
  const moments = [
    'create.json',
    'tokens/training/tokenize.json',
    'dpar/checkpoints/step-000003/trainer.json',
    'dpar/samples/step-000006.png',
    'model/classes.json',
  ];
  for (const file of moments) await killAt(pictures, killed, file);
  const last = start(pictures, killed);
  expect([await last.end, last.stderr()]).toEqual([0, expect.any(String)]);
  for (const part of ['tokenizer', 'entropy', 'dpar']) {
    const [a, b] = await Promise.all(
      [whole, killed].map((run) => readFile(join(run, 'model', part, 'model.safetensors'))),
    );
    expect(a?.equals(b as Buffer), part).toBe(true);
  }
  const grids = await Promise.all([whole, killed].map((run) => readFile(join(run, 'grid.png'))));
  expect(grids[0]?.equals(grids[1] as Buffer)).toBe(true);
});
