import type { ChunkedTensor } from '@dpar/io';
import { type ArrayReader, contentDigest, openNpz } from '@dpar/io/node';
import { checkArguments } from './check-arguments.js';
import { parseShardRecord, type ShardRecord } from './record.js';
import type { Shard } from './shard.js';

/** Name of the array of an `.npz` file that holds its record as JSON in UTF-8. */
const recordArray = 'shard';

/** Adds a record to the arrays of an `.npz` file, which makes it a shard. */
export function withNpzRecord(
  arrays: Readonly<Record<string, ChunkedTensor>>,
  shardRecord: ShardRecord,
): Record<string, ChunkedTensor> {
  checkArguments('withNpzRecord', { arrays, shardRecord }, { arrays: 'object', shardRecord: 'object' });
  const bytes = new TextEncoder().encode(JSON.stringify(shardRecord));
  return { ...arrays, [recordArray]: { dtype: 'U8', shape: [bytes.length], chunks: [bytes] } };
}

/** Opens an `.npz` file as a shard; undefined for a file without a record. @throws IoError for a damaged file. */
export async function openNpzShard(path: string): Promise<Shard | undefined> {
  checkArguments('openNpzShard', { path }, { path: 'string' });

  const file = await openNpz(path);
  try {
    const stored = await file.arrays.get(recordArray)?.read();
    if (stored === undefined) return undefined;
    const record = parseShardRecord(`'${recordArray}' of '${path}'`, stored.bytes);
    return { name: path, record, isWhole: () => isWhole(path, record) };
  } finally {
    await file.close();
  }
}

/** Compares the arrays with the record, with no more than a piece of them in memory. */
async function isWhole(path: string, record: ShardRecord): Promise<boolean> {
  const file = await openNpz(path);
  try {
    const arrays = [...file.arrays].filter(([name]) => name !== recordArray);
    const digest = await contentDigest(new Map(arrays.map(([name, array]) => [name, chunkedOf(array)])));
    return digest === record.digest;
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

function chunkedOf({ type: { dtype, shape }, rows }: ArrayReader): ChunkedTensor {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const { bytes } of rows(0, shape[0] ?? 0)) yield bytes;
  }
  return { dtype, shape, chunks: chunks() };
}
