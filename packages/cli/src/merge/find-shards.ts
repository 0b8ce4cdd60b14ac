import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { featureSettingsFile } from '@dpar/eval/node';
import { isSystemEntry, readJson } from '@dpar/io/node';
import { checkRun, openShard, type PlacedShard, type Settings } from '@dpar/shards';
import { entropyName } from '@dpar/train/node';
import { openLlamaGenShard, recordsEnd } from '../tokenize/llamagen-format.js';
import { tokenSettingsFile } from '../tokenize/token-parts.js';

/** Content of shards of tensors. Images are merged elsewhere: their files are not of tensors. */
export type ShardKind = 'tokens' | 'entropies' | 'samples' | 'features';

/** A shard of tensors of a kind. */
export interface FoundShard extends PlacedShard {
  readonly kind: ShardKind;
}

/** Shards of a path, and names of those that are damaged. */
export interface FoundShards {
  readonly shards: readonly FoundShard[];
  readonly damaged: readonly string[];
}

/**
 * Finds the shards of a path: a safetensors file, or a folder of `dpar tokenize`, `dpar entropy`, `dpar features` or of such
 * files. Tokens and their entropies may be in one folder.
 *
 * @returns undefined for a path without any, which may be one of images.
 * @throws IoError for shards whose run differs from the folder's settings.
 */
export async function findShards(path: string): Promise<FoundShards | undefined> {
  if (!(await stat(path)).isDirectory()) {
    if (!path.endsWith('.safetensors')) return undefined;
    const shard = await openShard(path);
    if (shard === undefined) return { shards: [], damaged: [path] };
    return { shards: [{ ...shard, input: path, kind: kindOf(path, 'samples') }], damaged: [] };
  }
  const entries = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !isSystemEntry(name));
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const settingsFile = [tokenSettingsFile, featureSettingsFile].find((name) => existsSync(join(path, name)));
  const settingsPath = join(path, settingsFile ?? '');
  const settings = settingsFile === undefined ? undefined : ((await readJson(settingsPath)) as Settings);
  const others = settingsFile === undefined ? 'samples' : settingsFile === tokenSettingsFile ? 'tokens' : 'features';

  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.safetensors'))
    .map(({ name }) => name);
  files.push(...(await filesIn(path, folders, '_entropies', entropyName)));
  const records = await filesIn(path, folders, recordsEnd, /^\d+-\d+\.json$/);
  if (files.length + records.length === 0 && settings === undefined) return undefined;
  const shards: FoundShard[] = [];
  const damaged: string[] = [];
  for (const name of [...files.sort(), ...records]) {
    const file = join(path, name);
    const shard = await (name.endsWith('.json') ? openLlamaGenShard(file) : openShard(file));
    if (shard === undefined) {
      damaged.push(file);
      continue;
    }
    const kind = kindOf(name, others);
    const ofFolder = kind === 'entropies' ? undefined : settings;
    if (ofFolder !== undefined) checkRun({ path: settingsPath, settings: ofFolder }, shard);
    shards.push({ ...shard, kind, input: path, record: { ...shard.record, ...(ofFolder && { settings: ofFolder }) } });
  }
  return { shards, damaged };
}

/** Paths of files in the folders whose names have an end, sorted, relative to `path`. */
async function filesIn(path: string, folders: readonly string[], end: string, pattern: RegExp): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders.filter((name) => name.endsWith(end))) {
    const names = (await readdir(join(path, folder))).filter((name) => !isSystemEntry(name) && pattern.test(name));
    found.push(...names.sort().map((name) => join(folder, name)));
  }
  return found;
}

function kindOf(path: string, others: ShardKind): ShardKind {
  return entropyName.test(basename(path)) ? 'entropies' : others;
}
