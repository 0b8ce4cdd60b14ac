import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { featureSettingsFile } from '@dpar/eval/node';
import type { StoredTensor } from '@dpar/io';
import { isSystemEntry, readJson } from '@dpar/io/node';
import { checkRun, openTensorShard, type Settings, type TensorShard } from '@dpar/shards';
import { entropyName } from '@dpar/train/node';
import { filesOf, readLlamaGenPart, readLlamaGenRecord, recordsEnd } from '../tokenize/llamagen-writer.js';
import { tokenSettingsFile } from '../tokenize/token-writer.js';

/** Content of shards of tensors. Images are merged elsewhere: their files are not of tensors. */
export type ShardKind = 'tokens' | 'entropies' | 'samples' | 'features';

/** A shard of tensors, and their kind. */
export interface FoundShard extends TensorShard {
  readonly kind: ShardKind;
}

/** Shards of a path, and names of those that are damaged. */
export interface FoundShards {
  readonly shards: readonly FoundShard[];
  readonly damaged: readonly string[];
}

/** Path of a shard, its kind, and a function that opens it, unless it is damaged. */
interface Opening {
  readonly path: string;
  readonly kind: ShardKind;
  open(): Promise<TensorShard | undefined>;
}

/**
 * Finds the shards of a path: a safetensors file, or a folder of `dpar tokenize`, `dpar entropy`, `dpar features` or of such
 * files. Tokens and their entropies may be in one folder.
 *
 * @returns undefined for a path without any, which may be one of images.
 * @throws IoError for shards of another run than that of the folder's settings.
 */
export async function findShards(path: string): Promise<FoundShards | undefined> {
  if (!(await stat(path)).isDirectory()) {
    if (!path.endsWith('.safetensors')) return undefined;
    return openAll([{ path, kind: kindOf(path, 'samples'), open: () => openTensorShard(path, path) }]);
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
  for (const folder of folders.filter((name) => name.endsWith('_entropies'))) {
    const inside = (await readdir(join(path, folder))).filter((name) => !isSystemEntry(name) && entropyName.test(name));
    files.push(...inside.map((name) => join(folder, name)));
  }
  const openings = files.sort().map((name): Opening => {
    const [file, kind] = [join(path, name), kindOf(name, others)];
    return { path: file, kind, open: () => openTensorShard(file, path, kind === 'entropies' ? undefined : settings) };
  });
  for (const folder of folders.filter((name) => name.endsWith(recordsEnd))) {
    const parts = (await readdir(join(path, folder))).filter((file) => /^\d+-\d+\.json$/.test(file)).sort();
    for (const part of parts) {
      const record = join(path, folder, part);
      openings.push({ path: record, kind: 'tokens', open: () => openLlamaGenShard(path, folder, part, settings) });
    }
  }
  if (openings.length === 0 && settings === undefined) return undefined;
  const found = await openAll(openings);
  for (const shard of found.shards) {
    if (settings !== undefined && shard.kind !== 'entropies') checkRun({ path: settingsPath, settings }, shard);
  }
  return found;
}

function kindOf(path: string, others: ShardKind): ShardKind {
  return entropyName.test(basename(path)) ? 'entropies' : others;
}

async function openAll(openings: readonly Opening[]): Promise<FoundShards> {
  const shards: FoundShard[] = [];
  const damaged: string[] = [];
  for (const { path, kind, open } of openings) {
    const shard = await open();
    if (shard === undefined) damaged.push(path);
    else shards.push({ ...shard, kind });
  }
  return { shards, damaged };
}

/** Opens images in LlamaGen's layout as a shard; undefined if the record is damaged. */
async function openLlamaGenShard(
  input: string,
  folder: string,
  file: string,
  settings: Settings | undefined,
): Promise<TensorShard | undefined> {
  const name = join(input, folder, file);
  const record = await readLlamaGenRecord(name).catch(() => undefined);
  if (record === undefined) return undefined;
  const [codes, labels] = ['codes', 'labels'].map((what) =>
    join(input, `${folder.slice(0, -recordsEnd.length)}_${what}`),
  ) as [string, string];
  const part = { record, codes, labels };
  const read = async () => new Map(Object.entries(await readLlamaGenPart(part)));
  return {
    input,
    name,
    record: settings === undefined ? record : { ...record, settings },
    files: [...filesOf(part), name].map((path) => relative(input, path)),
    isWhole: () => read().then(Boolean, () => false),
    types: read,
    read: async (tensor) => (await read()).get(tensor) as StoredTensor,
    metadata: async () => ({}),
  };
}
