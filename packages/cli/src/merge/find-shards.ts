import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { featureSettingsFile } from '@dpar/eval/node';
import { isSystemEntry, readSettings, runDigest, type Settings } from '@dpar/io/node';
import { entropyName } from '@dpar/train/node';
import { CommandError } from '../command/errors.js';
import { recordsEnd } from '../tokenize/llamagen-writer.js';
import { tokenSettingsFile } from '../tokenize/token-writer.js';
import { openLlamaGenShard, openShardFile, type ShardKind, type TensorShard } from './shard.js';

/** Shards of a path, and what of it is damaged. */
export interface FoundShards {
  readonly shards: readonly TensorShard[];
  readonly damaged: readonly string[];
}

/**
 * The shards that a path holds: a safetensors file, or a folder of `dpar tokenize`, `dpar entropy`, `dpar features` or of such
 * files. Tokens and their entropies may lie in one folder.
 *
 * @returns undefined for a path without any, which may be one of images.
 * @throws CommandError for shards of another run than the folder's settings tell.
 */
export async function findShards(path: string): Promise<FoundShards | undefined> {
  if (!(await stat(path)).isDirectory()) {
    if (!path.endsWith('.safetensors')) return undefined;
    return gather([[path, () => openShardFile(path, kindOf(path, 'samples'), path, undefined)]]);
  }
  const entries = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !isSystemEntry(name));
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const settingsFile = [tokenSettingsFile, featureSettingsFile].find((name) => existsSync(join(path, name)));
  const settingsPath = join(path, settingsFile ?? '');
  const settings = settingsFile === undefined ? undefined : ((await readSettings(settingsPath)) as Settings);
  const others = settingsFile === undefined ? 'samples' : settingsFile === tokenSettingsFile ? 'tokens' : 'features';

  const tensorFiles = files.filter((name) => name.endsWith('.safetensors'));
  for (const folder of folders.filter((name) => name.endsWith('_entropies'))) {
    const inside = (await readdir(join(path, folder))).filter((name) => !isSystemEntry(name));
    tensorFiles.push(...inside.filter((name) => entropyName.test(name)).map((name) => join(folder, name)));
  }
  const openings: Opening[] = tensorFiles.sort().map((name): Opening => {
    const [file, kind] = [join(path, name), kindOf(name, others)];
    return [file, () => openShardFile(file, kind, path, kind === 'entropies' ? undefined : settings)];
  });
  for (const folder of folders.filter((name) => name.endsWith(recordsEnd))) {
    const name = folder.slice(0, -recordsEnd.length);
    const parts = (await readdir(join(path, folder))).filter((file) => /^\d+-\d+\.json$/.test(file)).sort();
    for (const part of parts) {
      const where = { codes: `${name}_codes`, labels: `${name}_labels` };
      openings.push([join(path, folder, part), () => openLlamaGenShard(path, join(folder, part), where, settings)]);
    }
  }
  if (openings.length === 0 && settingsFile === undefined) return undefined;
  const found = await gather(openings);
  if (settings !== undefined) checkRuns(found, settingsPath, settings);
  return found;
}

function kindOf(path: string, others: ShardKind): ShardKind {
  return entropyName.test(basename(path)) ? 'entropies' : others;
}

/** A file, and what opens it as a shard if it is none that is damaged. */
type Opening = readonly [name: string, open: () => Promise<TensorShard | undefined>];

async function gather(openings: readonly Opening[]): Promise<FoundShards> {
  const shards: TensorShard[] = [];
  const damaged: string[] = [];
  for (const [name, open] of openings) {
    const shard = await open();
    if (shard === undefined) damaged.push(name);
    else shards.push(shard);
  }
  return { shards, damaged };
}

function checkRuns({ shards }: FoundShards, settingsPath: string, settings: Settings): void {
  const run = runDigest(settings);
  const other = shards.find(({ kind, record }) => kind !== 'entropies' && record.run !== run);
  if (other === undefined) return;
  throw new CommandError(
    `expected shards of the run ${run} that '${settingsPath}' tells, got one of ${other.record.run} in '${other.name}'. ` +
      'Move it away.',
  );
}
