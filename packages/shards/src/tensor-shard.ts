import { relative } from 'node:path';
import type { KindsOf } from '@dpar/check';
import type { StoredTensor, StoredType } from '@dpar/io';
import { openSafetensors } from '@dpar/io/node';
import type { CheckableShard } from './arrange.js';
import { checkArguments } from './check-arguments.js';
import { namedShardKinds } from './record.js';
import type { Settings } from './settings.js';
import { readShard, readShardRecord } from './shard-file.js';

/** A shard whose tensors can be read. The first axis of each tensor counts items. */
export interface TensorShard extends CheckableShard {
  /** Folder of the shards, or the file itself. */
  readonly input: string;
  /** Paths of its files relative to `input`, the one with the record last; none if `input` is the file. */
  readonly files: readonly string[];
  /** Types of its tensors by name. */
  types(): Promise<ReadonlyMap<string, StoredType>>;
  read(name: string): Promise<StoredTensor>;
  /** Text about the tensors, such as the entropy model they were computed with. */
  metadata(): Promise<Readonly<Record<string, string>>>;
}

/** Kinds of {@link TensorShard}. */
export const tensorShardKinds: KindsOf<TensorShard> = {
  isWhole: 'function',
  input: 'string',
  files: 'string[]',
  types: 'function',
  read: 'function',
  metadata: 'function',
  ...namedShardKinds,
};

/**
 * Opens a safetensors file as a shard; undefined if it has no record, or is damaged.
 *
 * @param input Folder of the shards, or the file itself.
 * @param settings Settings of the run, if a file beside the shard has them.
 */
export async function openTensorShard(
  path: string,
  input: string,
  settings?: Settings,
): Promise<TensorShard | undefined> {
  checkArguments(
    'openTensorShard',
    { path, input, settings },
    { path: 'string', input: 'string', 'settings?': 'object' },
  );
  const record = await readShardRecord(path).catch(() => undefined);
  if (record === undefined) return undefined;
  const file = async <V>(use: (file: Awaited<ReturnType<typeof openSafetensors>>) => V | Promise<V>): Promise<V> => {
    const opened = await openSafetensors(path);
    try {
      return await use(opened);
    } finally {
      await opened.close();
    }
  };
  return {
    name: path,
    input,
    files: path === input ? [] : [relative(input, path)],
    record: settings === undefined ? record : { ...record, settings },
    isWhole: () =>
      readShard(path).then(
        ({ tensors }) => [...tensors.values()].every(({ shape }) => shape[0] === record.count),
        () => false,
      ),
    types: () => file(({ types }) => types),
    read: (name) => file((opened) => opened.read(name)),
    metadata: () => file(({ metadata }) => metadata),
  };
}
