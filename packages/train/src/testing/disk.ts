import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import type { StoredTensor } from '@dpar/io';
import { writeNpy, writeSafetensors } from '@dpar/io/node';
import { saveModel } from '@dpar/model/node';
import { createRandom, int32, named } from '@dpar/tensor';
import { sliceImages, type TokenSet } from '../batches/token-set.js';
import { tinyModel } from './tiny.js';

/** Whole numbers as NumPy stores them by default. */
export function int64(shape: readonly number[], values: ArrayLike<number>): StoredTensor {
  const data = BigInt64Array.from(Array.from(values), BigInt);
  return { dtype: 'I64', shape, bytes: new Uint8Array(data.buffer) };
}

/** Random images of 16 tokens from 0 to 5 in variants: [N, V, 16], and labels from 0 to 2. */
export function randomVariants(images: number, variants: number, seed = 1) {
  const random = createRandom(seed, 9);
  const integers = (size: number, below: number) => Int32Array.from({ length: size }, () => random.integer(below));
  return { images, variants, tokens: integers(images * variants * 16, 6), labels: integers(images, 3) };
}

/** Writes images in LlamaGen's layout, `tiny_codes` and `tiny_labels`, with the codes of each as [1, V, 16]. */
export async function writeLlamaGen(root: string, data: ReturnType<typeof randomVariants>, name = 'tiny') {
  const { images, variants, tokens, labels } = data;
  for (let i = 0; i < images; i++) {
    const codes = tokens.subarray(i * variants * 16, (i + 1) * variants * 16);
    await writeNpy(join(root, `${name}_codes`, `${i}.npy`), int64([1, variants, 16], codes));
    await writeNpy(join(root, `${name}_labels`, `${i}.npy`), int64([1], [labels[i] ?? 0]));
  }
}

/** Writes a set as shards of the given numbers of images, safetensors and pairs of npy files in turn if `npy`. */
export async function writeShards(folder: string, set: TokenSet, sizes: readonly number[], npy = false): Promise<void> {
  let first = 0;
  for (const [k, size] of sizes.entries()) {
    const { tokens, labels, entropies } = sliceImages(set, first, size);
    // By their value, 10 comes after 9.
    const name = join(folder, `part-${k + 8}`);
    if (npy && k % 2 === 1) {
      await writeNpy(`${name}_tokens.npy`, tokens);
      await writeNpy(`${name}_labels.npy`, labels);
    } else await writeSafetensors(`${name}.safetensors`, { tokens, labels, ...(entropies && { entropies }) });
    first += size;
  }
}

/** Tokens and labels of rows `image * V + variant`. */
export function rowsOf(data: ReturnType<typeof randomVariants>, images: Int32Array, variants: Int32Array) {
  const rows = Array.from(images, (image, i) => image * data.variants + (variants[i] ?? 0));
  return {
    tokens: int32(
      [rows.length, 16],
      rows.flatMap((row) => [...data.tokens.subarray(row * 16, (row + 1) * 16)]),
    ),
    labels: int32(
      [rows.length],
      Array.from(images, (image) => data.labels[image] ?? 0),
    ),
  };
}

/** The checkpoint of a tiny entropy model; weights of another seed are another model. */
export async function entropyCheckpoint(seed = 1): Promise<string> {
  const folder = join(await temporaryFolder(), 'entropy');
  const model = tinyModel('entropy', {}, seed);
  // It starts at zero, which would make all entropies the same.
  const { data } = named(model.parameters, 'output.weight');
  data.forEach((_, i) => {
    data[i] = Math.sin(i * seed);
  });
  await saveModel(folder, model);
  return folder;
}
