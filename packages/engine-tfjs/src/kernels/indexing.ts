import { DparError, type Primitive, sizeOf } from '@dpar/tensor';
import type { TfjsTensor } from '../tfjs.js';
import { inputOf, isHostBackend, type KernelContext, type Kernels, shaped } from './kernel.js';

type Indexing = 'takeRows' | 'scatterAddRows' | 'takeRowsOnce' | 'takeLast' | 'scatterLast';

/**
 * Checks indices where reading them costs nothing: the kernels of the WASM backend read and write outside a tensor where
 * an index does. Other backends check by themselves, or not at all (graphics processors).
 * @throws DparError for an index outside `from`..`size - 1`.
 */
function checkIndices(
  { backend }: KernelContext,
  primitive: Primitive,
  indices: TfjsTensor,
  from: number,
  size: number,
): void {
  if (!isHostBackend(backend)) return;
  const values = indices.dataSync() as Int32Array;
  const place = values.findIndex((index) => index < from || index >= size);
  if (place < 0) return;
  throw new DparError(
    `${primitive}: expected indices from ${from} to ${size - 1}, got ${values[place]} at place ${place}. ` +
      'Check what the indices count.',
  );
}

/** Rows of x [N, ...] as [count, ...]. */
function takeRows({ tf, backend }: KernelContext, x: TfjsTensor, indices: TfjsTensor): TfjsTensor {
  const count = sizeOf(indices.shape);
  // The WASM backend copies rows of gatherND at once, and elements of gather one by one.
  return backend === 'wasm' && count > 0
    ? tf.gatherND(x, shaped(tf, indices, [count, 1]))
    : tf.gather(x, shaped(tf, indices, [count]));
}

/**
 * Row and column [rows, 2] of one element of each row. Places counted through all rows would be beyond 2^24, up to which
 * the WebGPU backend's whole numbers are exact.
 */
function placesInRows({ tf }: KernelContext, indices: TfjsTensor, rows: number): TfjsTensor {
  const numbers = tf.tensor(
    Int32Array.from({ length: rows }, (_, row) => row),
    [rows, 1],
    'int32',
  );
  return tf.concat([numbers, shaped(tf, indices, [rows, 1])], 1);
}

/** Kernels that read or write by index. */
export const indexingKernels: Kernels<Indexing> = {
  takeRows: (context, inputs, _, { shape }) => {
    const [x, indices] = [inputOf(inputs, 0), inputOf(inputs, 1)];
    checkIndices(context, 'takeRows', indices, 0, x.shape[0] ?? 0);
    return shaped(context.tf, takeRows(context, x, indices), shape);
  },
  scatterAddRows: (context, inputs, { rows }, { shape }) => {
    const { tf } = context;
    const [values, indices] = [inputOf(inputs, 0), inputOf(inputs, 1)];
    const count = sizeOf(indices.shape);
    if (count === 0) return tf.fill([...shape], 0, 'float32');
    checkIndices(context, 'scatterAddRows', indices, 0, rows);
    const flat = shaped(tf, values, [count, ...shape.slice(1)]);
    return tf.scatterND(shaped(tf, indices, [count, 1]), flat, [...shape]);
  },
  takeRowsOnce: (context, inputs, _, { shape }) => {
    const { tf } = context;
    const [x, indices] = [inputOf(inputs, 0), inputOf(inputs, 1)];
    checkIndices(context, 'takeRowsOnce', indices, -1, x.shape[0] ?? 0);
    // A row of zeros before the others is the one that -1 takes.
    const zeros = tf.fill([1, ...x.shape.slice(1)], 0, 'float32');
    const rows = takeRows(context, tf.concat([zeros, x], 0), tf.add(indices, tf.scalar(1, 'int32')));
    return shaped(tf, rows, shape);
  },
  takeLast: (context, inputs, _, { shape }) => {
    const { tf } = context;
    const [x, indices] = [inputOf(inputs, 0), inputOf(inputs, 1)];
    const [rows, size] = [sizeOf(shape), x.shape.at(-1) ?? 0];
    if (rows === 0) return tf.fill([...shape], 0, x.dtype as 'float32' | 'int32' | 'bool');
    checkIndices(context, 'takeLast', indices, 0, size);
    const taken = tf.gatherND(shaped(tf, x, [rows, size]), placesInRows(context, indices, rows));
    return shaped(tf, taken, shape);
  },
  scatterLast: (context, inputs, { size }, { shape }) => {
    const { tf } = context;
    const [values, indices] = [inputOf(inputs, 0), inputOf(inputs, 1)];
    const rows = sizeOf(values.shape);
    if (rows === 0 || size === 0) return tf.fill([...shape], 0, 'float32');
    checkIndices(context, 'scatterLast', indices, 0, size);
    const places = placesInRows(context, indices, rows);
    return shaped(tf, tf.scatterND(places, shaped(tf, values, [rows]), [rows, size]), shape);
  },
};
