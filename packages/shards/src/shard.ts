import { IoError, type StoredTensor, type StoredType, type WritableTensors } from '@dpar/io';
import { contentDigest, openSafetensors, readSafetensors, writeSafetensors } from '@dpar/io/node';
import { checkArguments } from './check-arguments.js';
import { type NamedShard, parseShardRecord, type ShardRecord } from './record.js';

/** Part of the output of a run, with a record of its items, its run and its content. */
export interface Shard extends NamedShard {
  /** Reads whether the content matches the record. */
  isWhole(): Promise<boolean>;
}

/** A shard of tensors, whose first axis counts items. */
export interface TensorShard extends Shard {
  /** Paths of its files, the one with the record last. */
  files(): readonly string[];
  /** Text about the tensors, such as the entropy model they were computed with. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Types of the tensors by name. */
  types(): Promise<ReadonlyMap<string, StoredType>>;
  /** Reads one tensor. */
  read(name: string): Promise<StoredTensor>;
  /** Reads all tensors. @throws IoError if they do not match the record. */
  tensors(): Promise<ReadonlyMap<string, StoredTensor>>;
}

/** Key of the record in the metadata of a safetensors file. */
const recordKey = 'shard';

/**
 * Writes tensors as a shard atomically: a safetensors file with a record.
 *
 * @param record See `shardRecord`.
 * @param metadata Further text about the tensors.
 */
export async function writeShard(
  path: string,
  tensors: WritableTensors,
  record: ShardRecord,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  checkArguments(
    'writeShard',
    { path, tensors, record, metadata },
    { path: 'string', tensors: 'Map | object', record: 'object', 'metadata?': 'object' },
  );
  await writeSafetensors(path, tensors, { metadata: { ...metadata, [recordKey]: JSON.stringify(record) } });
}

/** Opens a safetensors file as a shard; undefined if it is missing or damaged, or has no record. */
export function openShard(path: string): Promise<TensorShard | undefined> {
  checkArguments('openShard', { path }, { path: 'string' });

  return open(path).catch(() => undefined);
}

async function open(path: string): Promise<TensorShard> {
  const file = await openSafetensors(path);
  await file.close();
  const record = parseShardRecord(`'${path}'`, new TextEncoder().encode(file.metadata[recordKey] ?? ''));
  const tensors = async () => checkContent(path, record, (await readSafetensors(path)).tensors);
  return {
    name: path,
    record,
    files: () => [path],
    metadata: file.metadata,
    types: async () => file.types,
    async read(name) {
      const opened = await openSafetensors(path);
      try {
        return await opened.read(name);
      } finally {
        await opened.close();
      }
    },
    tensors,
    isWhole: () => succeeds(tensors()),
  };
}

/**
 * Checks tensors against the record of their shard, and returns them.
 *
 * @param path Path of the shard, for the error message.
 * @throws IoError if they do not match the record.
 */
export async function checkContent(
  path: string,
  record: ShardRecord,
  tensors: ReadonlyMap<string, StoredTensor>,
): Promise<ReadonlyMap<string, StoredTensor>> {
  checkArguments('checkContent', { path, record, tensors }, { path: 'string', record: 'object', tensors: 'Map' });
  const digest = await contentDigest(tensors);
  const whole = [...tensors.values()].every(({ shape }) => shape[0] === record.count);
  if (digest === record.digest && whole) return tensors;
  const expected = `tensors of ${record.count} items with the digest ${record.digest}`;
  throw new IoError(
    `checkContent: expected ${expected} in '${path}', got ${digest}. The shard is damaged: make it again.`,
  );
}

/** Resolves to whether a promise is fulfilled. */
export const succeeds = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  );
