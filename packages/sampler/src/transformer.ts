import type { BlockCache, DecodeStep } from '@dpar/nn';
import { type DynamicAxes, float32, type HostTensor, named, type Ops, type Tensors } from '@dpar/tensor';

/** Names of sizes that change while images are generated: sequences, and cached positions that are read. */
const [rows, positions] = ['rows', 'positions'] as const;

/** Open axes of a transformer's caches and of its mask, which ragged sequences have one each of. */
export function cacheAxes(layers: number, ragged: boolean): DynamicAxes {
  const mask = ragged ? { 0: rows, 3: positions } : { 3: positions };
  const axes: Record<string, Record<number, string>> = { mask };
  for (let layer = 0; layer < layers; layer++) {
    for (const kind of ['keys', 'values']) axes[`${kind}.${layer}`] = { 0: rows, 2: positions };
  }
  return axes;
}

/** Inputs of a transformer's step, by the samplers' names. */
export function stepOf<T>(inputs: Tensors<T>): DecodeStep<T> {
  const caches: BlockCache<T>[] = [];
  for (let layer = 0; inputs[`keys.${layer}`] !== undefined; layer++) {
    caches.push({ keys: named(inputs, `keys.${layer}`), values: named(inputs, `values.${layer}`) });
  }
  return { x: named(inputs, 'x'), table: named(inputs, 'table'), mask: named(inputs, 'mask'), caches };
}

/** Keys and values of a step as two outputs: `newKeys` [R, layers H, headDim, 1] and `newValues` [R, layers D]. */
export function cacheOutputs<T>(
  ops: Ops<T>,
  { keys, values }: { readonly keys: readonly T[]; readonly values: readonly T[] },
): Record<'newKeys' | 'newValues', T> {
  return { newKeys: ops.concat(keys, 1), newValues: ops.concat(values, 1) };
}

/** Keys and values of the outputs, for `StackCache.append`. */
export function appended(outputs: Tensors<HostTensor>): readonly [keys: Float32Array, values: Float32Array] {
  return [named(outputs, 'newKeys').data as Float32Array, named(outputs, 'newValues').data as Float32Array];
}

/** Rotary angles of one position of a table [positions, headDim / 2, 2], for all sequences: [1, 1, headDim / 2, 2]. */
export function tableAt(table: Float32Array, position: number, headDim: number): HostTensor {
  return float32([1, 1, headDim / 2, 2], table.subarray(position * headDim, (position + 1) * headDim));
}

/** Rows of an embedding table [N, D]: [ids, D]. */
export function embeddingRows(table: HostTensor, ids: ArrayLike<number>): HostTensor {
  const [, D = 0] = table.shape;
  const rows = new Float32Array(ids.length * D);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    rows.set((table.data as Float32Array).subarray(id * D, (id + 1) * D), i * D);
  }
  return float32([ids.length, D], rows);
}

/** Numbers of all rows of a cache: 0, 1, ..., count - 1. */
export function allRows(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row);
}

/** Repeats all rows: once for the images, and once more for null rows. */
export function repeatRows<A extends Int32Array | Float32Array>(rows: A, copies: number): A {
  if (copies === 1) return rows;
  const result = new (rows.constructor as new (length: number) => A)(copies * rows.length);
  for (let i = 0; i < copies; i++) result.set(rows, i * rows.length);
  return result;
}
