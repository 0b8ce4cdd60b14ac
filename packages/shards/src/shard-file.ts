import type { KindsOf } from '@dpar/check';
import { IoError, type StoredTensor, type WritableTensors } from '@dpar/io';
import { contentDigest, openSafetensors, readSafetensors, writeSafetensors } from '@dpar/io/node';
import { checkArguments } from './check-arguments.js';
import { parseShardRecord, type ShardItems, type ShardRecord, shardItemsKinds, shardRecord } from './record.js';
import type { Settings } from './settings.js';

/** Key of the record in the metadata of a safetensors file. */
const recordKey = 'shard';

/** Options of {@link writeShard}. */
export interface ShardOptions {
  /** Puts the settings into the record, for a shard without a file of settings beside it. */
  readonly withSettings?: boolean;
  /** Further metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const shardOptionsKinds: KindsOf<ShardOptions> = { 'withSettings?': 'boolean', 'metadata?': 'object' };

/** Record and tensors of a shard. */
export interface ShardContent {
  readonly record: ShardRecord;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Writes tensors as a shard: a safetensors file with a record, whole or not at all. @returns The record. */
export async function writeShard(
  path: string,
  tensors: WritableTensors,
  items: ShardItems,
  settings: Settings,
  options: ShardOptions = {},
): Promise<ShardRecord> {
  checkArguments(
    'writeShard',
    { path, tensors, items, settings, options },
    {
      path: 'string',
      tensors: 'Map | object',
      items: shardItemsKinds,
      settings: 'object',
      'options?': shardOptionsKinds,
    },
  );
  const { withSettings = false, metadata = {} } = options;
  const record = await shardRecord(items, settings, tensors, withSettings);
  await writeSafetensors(path, tensors, { metadata: { ...metadata, [recordKey]: JSON.stringify(record) } });
  return record;
}

/** Reads the record of a shard without its tensors; undefined for a file without one. @throws IoError for a damaged file. */
export async function readShardRecord(path: string): Promise<ShardRecord | undefined> {
  checkArguments('readShardRecord', { path }, { path: 'string' });

  const file = await openSafetensors(path);
  await file.close();
  return recordOf(path, file.metadata);
}

/** Reads a shard. @throws IoError if the file is damaged, or has no record. */
export async function readShard(path: string): Promise<ShardContent> {
  checkArguments('readShard', { path }, { path: 'string' });

  const { tensors, metadata } = await readSafetensors(path);
  const record = recordOf(path, metadata);
  const digest = await contentDigest(tensors);
  if (record?.digest === digest) return { record, tensors };
  throw new IoError(
    `readShard: expected the digest ${record?.digest ?? 'of a record'} in '${path}', got ${digest}. The shard is damaged: make it again.`,
  );
}

/** Reads whether a file is a shard whose tensors match its record. */
export function isWholeShard(path: string): Promise<boolean> {
  checkArguments('isWholeShard', { path }, { path: 'string' });

  return readShard(path).then(
    () => true,
    () => false,
  );
}

function recordOf(path: string, metadata: Readonly<Record<string, string>>): ShardRecord | undefined {
  const text = metadata[recordKey];
  return text === undefined ? undefined : parseShardRecord(`'${path}'`, new TextEncoder().encode(text));
}
