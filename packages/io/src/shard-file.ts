import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import type { WritableTensors } from './safetensors.js';
import { openSafetensors, readSafetensors, writeSafetensors } from './safetensors-file.js';
import type { Settings } from './settings-file.js';
import {
  contentDigest,
  parseShardRecord,
  type ShardItems,
  type ShardRecord,
  shardItemsKinds,
  shardRecord,
} from './shard-record.js';
import type { StoredTensor } from './stored.js';

/** Key of a safetensors file's metadata under which its record as a shard stands. */
const recordKey = 'shard';

/** How {@link writeShard} writes. */
export interface ShardOptions {
  /** The settings do not stand in a file beside the shard, and go into its record. */
  readonly withSettings?: boolean;
  /** Further metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const shardOptionsKinds: KindsOf<ShardOptions> = { 'withSettings?': 'boolean', 'metadata?': 'object' };

/** A shard of a run and its tensors. */
export interface ShardContent {
  readonly record: ShardRecord;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Writes tensors as a shard of a run: a safetensors file, whole or not at all, with its record. @returns The record. */
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

/** Reads the record of a shard without what it holds; undefined for a safetensors file without one. @throws IoError */
export async function readShardRecord(path: string): Promise<ShardRecord | undefined> {
  checkArguments('readShardRecord', { path }, { path: 'string' });

  const file = await openSafetensors(path);
  await file.close();
  return recordOf(path, file.metadata);
}

/** Reads a shard. @throws IoError if it is damaged, or no shard. */
export async function readShard(path: string): Promise<ShardContent> {
  checkArguments('readShard', { path }, { path: 'string' });

  const { tensors, metadata } = await readSafetensors(path);
  const record = recordOf(path, metadata);
  const digest = await contentDigest(tensors);
  if (record?.digest === digest) return { record, tensors };
  throw new IoError(
    `readShard: expected a shard of digest ${record?.digest ?? 'that its record tells'} in '${path}', got ${digest}. ` +
      'It is damaged: make it again.',
  );
}

function recordOf(path: string, metadata: Readonly<Record<string, string>>): ShardRecord | undefined {
  const text = metadata[recordKey];
  return text === undefined ? undefined : parseShardRecord(`'${path}'`, new TextEncoder().encode(text));
}
