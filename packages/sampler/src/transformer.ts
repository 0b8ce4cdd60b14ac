import type { BlockCache, DecodeStep } from '@dpar/nn';
import {
  type CompiledFunction,
  type DeviceTensor,
  type DynamicAxes,
  float32,
  type HostTensor,
  int32,
  named,
  type Ops,
  type Tensors,
} from '@dpar/tensor';
import type { StackCache } from './cache.js';
import { type Label, wordsOf } from './options.js';

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

/** Outputs of a run that go to a cache. */
export interface CacheWrite {
  readonly cache: StackCache;
  /** Rows [R] of the cache. */
  readonly rows: ArrayLike<number>;
  /** Positions S of each row (default 1). */
  readonly positions?: number;
  /** Names of the outputs with keys and values: by default those of {@link cacheOutputs}. */
  readonly names?: readonly [keys: string, values: string];
}

/**
 * Runs a function and appends keys and values to caches, where these are.
 * @param results Names of the other outputs.
 * @returns The other outputs.
 */
export async function runInto(
  compiled: CompiledFunction,
  inputs: Tensors<HostTensor | DeviceTensor>,
  writes: readonly CacheWrite[],
  results: readonly string[],
): Promise<Tensors<HostTensor>> {
  const append = async (outputs: Tensors<HostTensor | DeviceTensor>): Promise<void> => {
    for (const { cache, rows, positions, names: [keys, values] = ['newKeys', 'newValues'] } of writes) {
      await cache.append({ keys: named(outputs, keys), values: named(outputs, values) }, rows, positions);
    }
  };
  if (!writes.some(({ cache }) => cache.isOnDevice)) {
    const outputs = await compiled.run(inputs);
    await append(outputs);
    return outputs;
  }
  const outputs = await compiled.runOnDevice(inputs, { toHost: results });
  try {
    await append(outputs);
    const read = results.map(async (name) => [name, await named(outputs, name).read()] as const);
    return Object.fromEntries(await Promise.all(read));
  } finally {
    for (const output of Object.values(outputs)) output.dispose();
  }
}

/**
 * Fewest rows of a step that selects, if the cache has as many. Engines may compile anew for a handful of rows, so empty rows
 * fill the step up, and their results are ignored.
 */
const fewestRows = 5;

/** Number of rows of a step for R rows of a cache. */
export function rowsOfStep(cache: StackCache, R: number): number {
  return Math.max(R, Math.min(cache.size.rows, fewestRows));
}

/** Matrix of a step: rows of `width` numbers, filled up with zeros to a number of rows. */
export function stepMatrix(data: Float32Array, width: number, rows: number): HostTensor {
  return float32([rows, width], filledUp(data, rows * width));
}

/** The array itself, or a longer copy with zeros at the end. */
export function filledUp<A extends Int32Array | Uint8Array | Float32Array>(data: A, length: number): A {
  if (data.length === length) return data;
  const longer = new (data.constructor as new (length: number) => A)(length);
  longer.set(data);
  return longer;
}

/**
 * Inputs of a step from a cache: its keys, values and mask and, if it selects, which rows take part, filled up to the rows of
 * the step.
 * @param rows Rows [R] of the cache that take part, ascending; all of them for a step that does not select.
 */
export function cacheInputs(cache: StackCache, rows: Int32Array, selects: boolean): Tensors<HostTensor | DeviceTensor> {
  if (!selects) return cache.inputs();
  const R = rowsOfStep(cache, rows.length);
  const range = cache.rangeOf(rows);
  const selected = rows.map((row) => row - range.first);
  const places = new Int32Array(range.count);
  selected.forEach((row, i) => {
    places[row] = i;
  });
  return {
    ...cache.inputs(range),
    selectedRows: int32([R], filledUp(selected, R)),
    places: int32([places.length], places),
  };
}

/**
 * Rotary angles of some positions of a table [positions, headDim / 2, 2], filled up to R rows: [R, 1, headDim / 2, 2].
 */
export function tableAt(table: Float32Array, positions: ArrayLike<number>, headDim: number, R: number): HostTensor {
  const rows = float32([R, 1, headDim / 2, 2]);
  for (let i = 0; i < positions.length; i++) {
    const from = (positions[i] as number) * headDim;
    rows.data.set(table.subarray(from, from + headDim), i * headDim);
  }
  return rows;
}

/** Splits a matrix [R, parts * width] into `parts` matrices [R, width]. */
export function splitColumns<T>(ops: Ops<T>, x: T, width: number): T[] {
  const [, columns = 0] = ops.shapeOf(x);
  return ops.split(x, 1, new Array<number>(columns / width).fill(width));
}

/** Open axes of a pass over the first positions of some sequences. */
export const prefillAxes: DynamicAxes = { x: { 0: rows, 1: 'length' }, table: { 1: 'length' } };

/** Rotary angles of the first positions of a table, for all sequences: [1, length, headDim / 2, 2]. */
export function firstAngles(table: Float32Array, length: number, headDim: number): HostTensor {
  return float32([1, length, headDim / 2, 2], table.subarray(0, length * headDim));
}

/** Rows of an embedding table [N, D]: [ids, D]. */
export function embeddingRows(table: HostTensor, ids: ArrayLike<number>): HostTensor {
  const [, D = 0] = table.shape;
  return float32([ids.length, D], takeRows(table.data as Float32Array, D, ids));
}

/**
 * Embeddings of what images show, [labels, D]: the row of a class, or the mean of the rows of the words of a prompt.
 * @param table [classes, D]
 */
export function promptEmbeddings(table: HostTensor, labels: readonly Label[]): Float32Array {
  const [, D = 0] = table.shape;
  const embeddings = new Float32Array(labels.length * D);
  for (const [i, label] of labels.entries()) {
    const words = wordsOf(label);
    const row = embeddings.subarray(i * D, (i + 1) * D);
    for (const word of words) {
      for (let d = 0; d < D; d++) row[d] = (row[d] as number) + (table.data[word * D + d] as number);
    }
    if (words.length > 1) for (let d = 0; d < D; d++) row[d] = (row[d] as number) / words.length;
  }
  return embeddings;
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
