import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { run } from '@dpar/cli';
import { listEmoji } from '@dpar/example-kit/emoji';
import type { Arguments } from './arguments.js';

/** Steps of the shortest run, with the smallest models. */
const smokeSettings = [
  '--size',
  'XS',
  '--resolution',
  '32',
  '--set',
  'tokenizer.steps=20',
  'entropy.steps=10',
  'dpar.steps=10',
];

/** Wishes of a run. */
type DemoArguments = Pick<Arguments, 'minutes' | 'compare' | 'smoke' | 'seed' | 'output' | 'engine'>;

/** Emoji of the shortest run. */
const smokeImages = 200;

/**
 * Trains models on emoji as `dpar create` does on any folder of pictures; with `compare`, a LlamaGen beside DPAR.
 * @param signal Interrupts the run, which the same command then resumes.
 * @returns The exit status of the command.
 */
export async function runDemo(
  { minutes, compare, smoke, seed, output, engine }: DemoArguments,
  streams: Parameters<typeof run>[1],
  signal?: AbortSignal,
): Promise<number> {
  const name = `${smoke ? 'smoke' : `${minutes}-minutes`}${compare ? '-compare' : ''}`;
  const pictures = join(resolve(output), smoke ? 'pictures-smoke' : 'pictures');
  await writePictures(pictures, smoke ? smokeImages : undefined);
  // Mirrored flags would be flags of other countries.
  const argv = ['create', relative('.', pictures), '--output', relative('.', join(output, `${name}-seed-${seed}`))];
  const options = ['--minutes', String(minutes), '--no-flip', '--seed', String(seed), '--engine', engine];
  if (compare) options.push('--compare');
  const settings = [...(smoke ? smokeSettings : []), ...(smoke && compare ? ['llamagen.steps=10'] : [])];
  return run([...argv, ...options, ...settings], streams, signal);
}

/** Copies emoji into a folder for each category. @param limit About how many; all if undefined. */
async function writePictures(folder: string, limit: number | undefined): Promise<void> {
  const files = await listEmoji(limit);
  for (const category of new Set(files.map(({ entry }) => entry.category))) {
    await mkdir(join(folder, category), { recursive: true });
  }
  for (const { path, entry } of files) await copyFile(path, join(folder, entry.category, basename(path)));
}
