import type { BlockCache, DecodeStep } from '@dpar/nn';
import { type DynamicAxes, float32, type HostTensor, int32, named, type Ops, type Tensors } from '@dpar/tensor';
import type { RowRange, StackCache } from './cache.js';

/** Names of sizes that change while images are generated: rows of a step, sequences of a cache, and cached positions. */
const [rows, sequences, positions] = ['rows', 'sequences', 'positions'] as const;

/** Open axis of the inputs of a step: its rows. */
export const stepRows = { 0: rows };

/**
 * Open axes of a transformer's step.
 * @param selects True if some of the cached sequences take no part. Otherwise each is a row of the step.
 */
export function stepAxes(layers: number, selects: boolean): DynamicAxes {
  const cached = selects ? sequences : rows;
  const axes: Record<string, Record<number, string>> = {
    x: stepRows,
    table: stepRows,
    mask: { 0: cached, 3: positions },
  };
  for (let layer = 0; layer < layers; layer++) {
    for (const kind of ['keys', 'values']) axes[`${kind}.${layer}`] = { 0: cached, 2: positions };
  }
  return selects ? { ...axes, selectedRows: stepRows, places: { 0: sequences } } : axes;
}

/** Inputs of a transformer's step, by the samplers' names. */
export function stepOf<T>(inputs: Tensors<T>): DecodeStep<T> {
  const caches: BlockCache<T>[] = [];
  for (let layer = 0; inputs[`keys.${layer}`] !== undefined; layer++) {
    caches.push({ keys: named(inputs, `keys.${layer}`), values: named(inputs, `values.${layer}`) });
  }
  const step = { x: named(inputs, 'x'), table: named(inputs, 'table'), mask: named(inputs, 'mask'), caches };
  const { selectedRows, places } = inputs;
  return selectedRows === undefined || places === undefined
    ? step
    : { ...step, selection: { rows: selectedRows, places } };
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

/**
 * Inputs of a step from a cache: its keys, values and mask and, if it selects, which rows take part.
 * @param rows Rows [R] of the cache that take part, ascending; all of them for a step that does not select.
 */
export function cacheInputs(cache: StackCache, rows: Int32Array, selects: boolean): Tensors<HostTensor> {
  if (!selects) return cache.inputs();
  const range = rangeOf(rows);
  const selected = rows.map((row) => row - range.first);
  const places = new Int32Array(range.count);
  selected.forEach((row, i) => {
    places[row] = i;
  });
  return {
    ...cache.inputs(range),
    selectedRows: int32([selected.length], selected),
    places: int32([places.length], places),
  };
}

/** The smallest range that holds ascending rows. Caches outside are not read. */
function rangeOf(rows: Int32Array): RowRange {
  const first = rows[0] as number;
  return { first, count: (rows[rows.length - 1] as number) - first + 1 };
}

/** Rotary angles of some positions of a table [positions, headDim / 2, 2]: [R, 1, headDim / 2, 2]. */
export function tableAt(table: Float32Array, positions: ArrayLike<number>, headDim: number): HostTensor {
  const rows = float32([positions.length, 1, headDim / 2, 2]);
  for (let i = 0; i < positions.length; i++) {
    const from = (positions[i] as number) * headDim;
    rows.data.set(table.subarray(from, from + headDim), i * headDim);
  }
  return rows;
}

/** Rows of an embedding table [N, D]: [ids, D]. */
export function embeddingRows(table: HostTensor, ids: ArrayLike<number>): HostTensor {
  const [, D = 0] = table.shape;
  return float32([ids.length, D], takeRows(table.data as Float32Array, D, ids));
}

/** Some rows of a matrix with `width` columns. */
export function takeRows(matrix: Float32Array, width: number, rows: ArrayLike<number>): Float32Array {
  const taken = new Float32Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    taken.set(matrix.subarray(row * width, (row + 1) * width), i * width);
  }
  return taken;
}

/** The numbers `first`, `first + 1`, ... */
export function consecutive(first: number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => first + i);
}

/** Rows of the sequences at some places: for each place that of its class and, with two copies, that of the null class. */
export function rowsOfPlaces(places: Int32Array, copies: number): Int32Array {
  return Int32Array.from(
    { length: places.length * copies },
    (_, i) => (places[Math.floor(i / copies)] as number) * copies + (i % copies),
  );
}

/** Positions of some rows of a cache: the number of positions that each holds. */
export function positionsOf(cache: StackCache, rows: Int32Array): Int32Array {
  return rows.map((row) => cache.lengths[row] as number);
}
