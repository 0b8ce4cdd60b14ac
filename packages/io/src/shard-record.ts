import { createHash } from 'node:crypto';
import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { dataChunks, typeToWrite } from './chunks.js';
import { IoError } from './error.js';
import { formatDigest } from './identity.js';
import { isObject, parseJsonObject } from './json.js';
import { namedTensors, type StreamedTensors } from './safetensors.js';
import type { Settings } from './settings-file.js';
import { formatStoredType } from './stored.js';

/** Which items of a run, such as its images, a shard holds: `first` to `first + count - 1` of `total`. */
export interface ShardItems {
  /** The first of them, from 0. */
  readonly first: number;
  readonly count: number;
  readonly total: number;
}

/** Kinds of {@link ShardItems}. */
export const shardItemsKinds: KindsOf<ShardItems> = { first: 'number', count: 'number', total: 'number', '*': 'any' };

/** What a shard of a run says of itself. */
export interface ShardRecord extends ShardItems {
  /** Digest of what the run is made with, see {@link runDigest}: shards of another run have another. */
  readonly run: string;
  /** Digest of what the shard holds, see {@link contentDigest}. */
  readonly digest: string;
  /** What the run is made with, where that does not stand in a file beside the shard. */
  readonly settings?: Settings;
}

/** Kinds of {@link ShardRecord}. */
export const shardRecordKinds: KindsOf<ShardRecord> = {
  run: 'string',
  digest: 'string',
  'settings?': 'object',
  first: 'number',
  count: 'number',
  total: 'number',
  '*': 'any',
};

/** A digest of what a run is made with: models by their content, options, seed. */
export function runDigest(settings: Readonly<Record<string, unknown>>): string {
  checkArguments('runDigest', { settings }, { settings: 'object' });

  const entries = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return formatDigest(createHash('sha256').update(JSON.stringify(entries)));
}

/**
 * A digest of tensors, in any order: their names, types and data.
 * @throws IoError if data do not fit their type and shape.
 */
export async function contentDigest(tensors: StreamedTensors): Promise<string> {
  checkArguments('contentDigest', { tensors }, { tensors: 'Map | object' });

  const hash = createHash('sha256');
  for (const [name, tensor] of namedTensors(tensors).sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name} ${formatStoredType(typeToWrite('contentDigest', name, tensor, 'F32'))}\n`);
    for await (const chunk of dataChunks(tensor, 'F32')) hash.update(chunk);
  }
  return formatDigest(hash);
}

/** The record of a shard. @param withSettings They do not stand beside it. */
export async function shardRecord(
  shardItems: ShardItems,
  settings: Settings,
  tensors: StreamedTensors,
  withSettings = false,
): Promise<ShardRecord> {
  checkArguments(
    'shardRecord',
    { shardItems, settings, tensors, withSettings },
    { shardItems: shardItemsKinds, settings: 'object', tensors: 'Map | object', 'withSettings?': 'boolean' },
  );
  const { first, count, total } = shardItems;
  const [run, digest] = [runDigest(settings), await contentDigest(tensors)];
  return { first, count, total, run, digest, ...(withSettings && { settings }) };
}

/**
 * Reads the JSON of a {@link ShardRecord}.
 * @param what Where it stands, for the error message.
 * @throws IoError if it is none.
 */
export function parseShardRecord(what: string, bytes: Uint8Array): ShardRecord {
  checkArguments('parseShardRecord', { what, bytes }, { what: 'string', bytes: 'Uint8Array' });

  const { first, count, total, run, digest, settings } = parseJsonObject('parseShardRecord', what, bytes);
  const numbers = [first, count, total].every((value) => Number.isSafeInteger(value) && (value as number) >= 0);
  const record = { first, count, total, run, digest, ...(settings !== undefined && { settings }) } as ShardRecord;
  const whole =
    numbers && record.first + record.count <= record.total && typeof run === 'string' && typeof digest === 'string';
  if (whole && (settings === undefined || isObject(settings))) return record;
  throw new IoError(`parseShardRecord: expected the record of a shard in ${what}, got something else. Make it again.`);
}
