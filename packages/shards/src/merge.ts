import { stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { type ChunkedTensor, IoError, type StoredTensor, type StoredType } from '@dpar/io';
import { fileDigest, linkFile, makeFolder, writeSafetensors } from '@dpar/io/node';
import { checkArguments } from './check-arguments.js';
import { succeeds, type TensorShard } from './shard.js';

/** Receives the number of items that are written. */
export type OnItems = (done: number) => void;

/**
 * Writes the tensors of shards, in the order given, to one safetensors file, shard by shard. Rows that are shorter than those of
 * other shards, such as patch lengths, are padded with zeros.
 *
 * @param metadata Text about the tensors.
 * @throws IoError if shards have different tensors.
 */
export async function mergeTensors(
  path: string,
  shards: readonly TensorShard[],
  metadata: Readonly<Record<string, string>> = {},
  onItems: OnItems = () => {},
): Promise<void> {
  checkArguments(
    'mergeTensors',
    { path, shards, metadata, onItems },
    { path: 'string', shards: 'object[]', 'metadata?': 'object', 'onItems?': 'function' },
  );
  const types = await Promise.all(shards.map((shard) => shard.types()));
  const tensors: Record<string, ChunkedTensor> = {};
  for (const [i, name] of [...(types[0]?.keys() ?? [])].entries()) {
    const { dtype, shape } = mergedType(name, shards, types);
    tensors[name] = { dtype, shape, chunks: rows(name, shards, shape.at(-1) ?? 0, i === 0 ? onItems : () => {}) };
  }
  await writeSafetensors(path, tensors, { metadata });
}

function mergedType(
  name: string,
  shards: readonly TensorShard[],
  types: readonly ReadonlyMap<string, StoredType>[],
): StoredType {
  const like = types[0]?.get(name) as StoredType;
  const inner = like.shape.slice(1, -1);
  let [items, width] = [0, 0];
  for (const [i, tensors] of types.entries()) {
    const type = tensors.get(name);
    const { dtype, shape = [] } = type ?? {};
    if (dtype !== like.dtype || shape.length !== like.shape.length || `${shape.slice(1, -1)}` !== `${inner}`) {
      throw new IoError(
        `mergeTensors: expected '${name}' of type ${like.dtype} and shape [${like.shape.join(', ')}] as in ` +
          `'${shards[0]?.name}', got ${type === undefined ? 'no such tensor' : `${dtype} and [${shape.join(', ')}]`} in '${shards[i]?.name}'. ` +
          'Leave that shard out.',
      );
    }
    items += shape[0] as number;
    width = Math.max(width, shape.at(-1) as number);
  }
  return { dtype: like.dtype, shape: like.shape.length === 1 ? [items] : [items, ...inner, width] };
}

async function* rows(name: string, shards: readonly TensorShard[], width: number, onItems: OnItems) {
  let items = 0;
  for (const shard of shards) {
    const tensor = await shard.read(name);
    yield tensor.shape.length === 1 ? tensor.bytes : padded(tensor, width);
    items += shard.record.count;
    onItems(items);
  }
}

/** Rows of bytes, each padded with zeros to a width. */
function padded({ shape, bytes }: StoredTensor, width: number): Uint8Array {
  const own = shape.at(-1) as number;
  if (own === width) return bytes;
  const count = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const [from, to] = [bytes.length / count, (bytes.length / count / own) * width];
  const wide = new Uint8Array(count * to);
  for (let i = 0; i < count; i++) wide.set(bytes.subarray(i * from, (i + 1) * from), i * to);
  return wide;
}

/** A shard in a folder. */
export interface PlacedShard extends TensorShard {
  /** Folder of the shards. */
  readonly input: string;
}

/**
 * Puts the files of shards into one folder: hard links where the file system has them, else copies. The files of each shard follow
 * one another, its record last, so that an interruption leaves whole shards.
 *
 * @param about Names of files beside the shards that describe them, such as settings. They come first.
 * @throws IoError if a file with other content is in the folder.
 */
export async function mergeFiles(
  folder: string,
  shards: readonly PlacedShard[],
  about: readonly string[] = [],
  onItems: OnItems = () => {},
): Promise<void> {
  checkArguments(
    'mergeFiles',
    { folder, shards, about, onItems },
    { folder: 'string', shards: 'object[]', 'about?': 'string[]', 'onItems?': 'function' },
  );
  for (const input of new Set(shards.map((shard) => shard.input))) {
    for (const name of about) {
      if (await succeeds(stat(join(input, name)))) await place(join(input, name), join(folder, name));
    }
  }
  let items = 0;
  for (const { input, files, record } of shards) {
    for (const file of files()) await place(file, join(folder, relative(input, file)));
    items += record.count;
    onItems(items);
  }
}

async function place(from: string, to: string): Promise<void> {
  if (resolve(from) === resolve(to)) return;
  if (!(await succeeds(stat(to)))) {
    await makeFolder(dirname(to));
    return linkFile(from, to);
  }
  const [there, wanted] = [await fileDigest(to), await fileDigest(from)];
  if (there === wanted) return;
  throw new IoError(
    `mergeFiles: expected the content of '${from}' (sha256 ${wanted}) at '${to}', got sha256 ${there}. Choose another folder.`,
  );
}
