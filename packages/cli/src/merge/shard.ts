import { join, relative } from 'node:path';
import type { StoredTensor, StoredType } from '@dpar/io';
import { type NamedShard, openSafetensors, readShard, readShardRecord, type Settings } from '@dpar/io/node';
import { filesOf, type LlamaGenPart, readLlamaGenPart, readLlamaGenRecord } from '../tokenize/llamagen-writer.js';

/** What shards are of. Images are merged elsewhere: their files are not of tensors. */
export type ShardKind = 'tokens' | 'entropies' | 'samples' | 'features';

/** A shard whose tensors can be read. The first axis of each is that of its items. */
export interface TensorShard extends NamedShard {
  readonly kind: ShardKind;
  /** The folder or file that was given. */
  readonly input: string;
  /** Its files, by their paths from `input`, the one with the record last. None of a file that was given itself. */
  readonly files: readonly string[];
  /** Whether it holds what its record tells. */
  isWhole(): Promise<boolean>;
  /** Types of its tensors by name. */
  types(): Promise<ReadonlyMap<string, StoredType>>;
  read(name: string): Promise<StoredTensor>;
  /** Text about the tensors, such as of which entropy model entropies are. */
  metadata(): Promise<Readonly<Record<string, string>>>;
}

/** A safetensors file; undefined if it has no record, or is damaged. */
export async function openShardFile(
  path: string,
  kind: ShardKind,
  input: string,
  settings: Settings | undefined,
): Promise<TensorShard | undefined> {
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
    ...{ kind, input, name: path, files: path === input ? [] : [relative(input, path)] },
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

/** Images in LlamaGen's layout with their record; undefined if that is damaged. @param record Its path from `input`. */
export async function openLlamaGenShard(
  input: string,
  record: string,
  folders: { readonly codes: string; readonly labels: string },
  settings: Settings | undefined,
): Promise<TensorShard | undefined> {
  const name = join(input, record);
  const found = await readLlamaGenRecord(name).catch(() => undefined);
  if (found === undefined) return undefined;
  const part: LlamaGenPart = {
    record: found,
    codes: join(input, folders.codes),
    labels: join(input, folders.labels),
  };
  const read = async () => new Map(Object.entries(await readLlamaGenPart(part)));
  return {
    ...{ kind: 'tokens', input, name, record: settings === undefined ? found : { ...found, settings } },
    files: [...filesOf(part).map((path) => relative(input, path)), record],
    isWhole: () => read().then(Boolean, () => false),
    types: read,
    read: async (tensor) => (await read()).get(tensor) as StoredTensor,
    metadata: async () => ({}),
  };
}
