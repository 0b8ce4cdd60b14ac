import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  collectFeatures,
  featureSettingsFile,
  imageListFile,
  readFeatureSettings,
  writeFeatures,
} from '@dpar/eval/node';
import type { ChunkedTensor, StoredTensor, StoredType } from '@dpar/io';
import { fileDigest, linkFile, makeFolder, writeSafetensors } from '@dpar/io/node';
import { classesFile, classesKey, entropyCheckpointKey, readClassNames } from '@dpar/train/node';
import { CommandError } from '../command/errors.js';
import { tokenSettingsFile } from '../tokenize/token-writer.js';
import type { TensorShard } from './shard.js';

/** Told with how many items are done. */
export type OnItems = (done: number) => void;

/**
 * Writes the tensors of shards, in the order given, to one safetensors file, shard by shard. Where rows of a tensor are of
 * several widths, as patch lengths are, shorter ones are padded with zeros.
 */
export async function writeMergedTensors(path: string, shards: readonly TensorShard[], onItems: OnItems) {
  const [first] = shards;
  if (first === undefined) return;
  const types = await Promise.all(shards.map((shard) => shard.types()));
  const names = [...(types[0]?.keys() ?? [])];
  const tensors: Record<string, ChunkedTensor> = {};
  for (const name of names) {
    const rowsOfShard = types.map((type) => type.get(name));
    const shape = mergedShape(name, shards, rowsOfShard);
    const { dtype } = rowsOfShard[0] as StoredType;
    tensors[name] = {
      dtype,
      shape,
      chunks: rows(name, shards, shape.at(-1) ?? 0, name === names[0] ? onItems : () => {}),
    };
  }
  const made = (await first.metadata())[entropyCheckpointKey];
  const classes = first.kind === 'tokens' ? await readClassNames(first.input) : undefined;
  const metadata = {
    ...(made !== undefined && { [entropyCheckpointKey]: made }),
    ...(classes && { [classesKey]: JSON.stringify(classes.names) }),
  };
  await writeSafetensors(path, tensors, { metadata });
}

function mergedShape(name: string, shards: readonly TensorShard[], types: readonly (StoredType | undefined)[]) {
  const [like] = types;
  let [items, width] = [0, 0];
  for (const [i, type] of types.entries()) {
    const fits = type?.dtype === like?.dtype && type?.shape.slice(1, -1).join() === like?.shape.slice(1, -1).join();
    if (type === undefined || !fits || type.shape.length !== like?.shape.length) {
      throw new CommandError(
        `expected '${name}' as in '${shards[0]?.name}', got other tensors in '${shards[i]?.name}'. Leave it out.`,
      );
    }
    items += type.shape[0] as number;
    width = Math.max(width, type.shape.at(-1) as number);
  }
  const inner = like?.shape.slice(1, -1) ?? [];
  return like?.shape.length === 1 ? [items] : [items, ...inner, width];
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

/** Rows of bytes with zeros at their ends, so that they are of a width. */
function padded({ shape, bytes }: StoredTensor, width: number): Uint8Array {
  const own = shape.at(-1) as number;
  if (own === width) return bytes;
  const count = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const [from, to] = [bytes.length / count, (bytes.length / count / own) * width];
  const wide = new Uint8Array(count * to);
  for (let i = 0; i < count; i++) wide.set(bytes.subarray(i * from, (i + 1) * from), i * to);
  return wide;
}

/** Writes the features of shards as `dpar features` does to a `.npz`. */
export async function writeMergedFeatures(path: string, shards: readonly TensorShard[], onItems: OnItems) {
  const [first] = shards;
  if (first === undefined) return;
  const { count, origin } = readFeatureSettings(first.record.settings ?? {}, join(first.input, featureSettingsFile));
  async function* contents() {
    let items = 0;
    for (const shard of shards) {
      const tensors = new Map<string, StoredTensor>();
      for (const name of (await shard.types()).keys()) tensors.set(name, await shard.read(name));
      yield { tensors };
      items += shard.record.count;
      onItems(items);
    }
  }
  await writeFeatures(path, await collectFeatures(contents(), count, first.input), origin);
}

/**
 * Puts the files of shards into one folder, as one run writes it: as hard links where that is possible, else as copies. What
 * says how they were made comes first, and of each shard its record last.
 * @throws CommandError if another file is in the place of one.
 */
export async function writeMergedFolder(folder: string, shards: readonly TensorShard[], onItems: OnItems) {
  const settings = [tokenSettingsFile, featureSettingsFile, classesFile, imageListFile];
  for (const input of new Set(shards.map((shard) => shard.input))) {
    const about = shards.some(({ kind }) => kind !== 'entropies') ? settings : [];
    for (const file of about.filter((name) => existsSync(join(input, name)))) await place(input, folder, file);
  }
  let items = 0;
  for (const { input, files, record } of shards) {
    for (const file of files) await place(input, folder, file);
    items += record.count;
    onItems(items);
  }
}

async function place(input: string, folder: string, file: string): Promise<void> {
  const [from, to] = [join(input, file), join(folder, file)];
  if (resolve(from) === resolve(to)) return;
  const there = await stat(to).catch(() => undefined);
  if (there !== undefined) {
    if ((await fileDigest(to)) === (await fileDigest(from))) return;
    throw new CommandError(
      `expected the file '${from}' or nothing at '${to}', got another file. Choose another folder.`,
    );
  }
  await makeFolder(dirname(to));
  await linkFile(from, to);
}
