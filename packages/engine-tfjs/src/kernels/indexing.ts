import { DparError, type Primitive, sizeOf } from '@dpar/tensor';
import type { TfjsTensor } from '../tfjs.js';
import { isHostBackend, type KernelContext, type Kernels, shaped } from './kernel.js';

type Indexing = 'takeRows' | 'scatterAddRows' | 'takeRowsOnce' | 'takeLast' | 'scatterLast';

/**
 * Checks indices in host memory, where reading is cheap: kernels of the WASM backend would access memory outside the
 * tensor. GPUs do not check.
 * @throws DparError for an index outside `from`..`size - 1`.
 */
function checkIndices(
  context: KernelContext,
  primitive: Primitive,
  indices: TfjsTensor,
  from: number,
  size: number,
): void {
  if (!isHostBackend(context)) return;
  const values = indices.dataSync() as Int32Array;
  const place = values.findIndex((index) => index < from || index >= size);
  if (place < 0) return;
  throw new DparError(
    `${primitive}: expected indices from ${from} to ${size - 1}, got ${values[place]} at place ${place}. ` +
      'Check the indices.',
  );
}

/** Rows of x [N, ...] as [count, ...]. */
function takeRows({ tf, backend }: KernelContext, x: TfjsTensor, indices: TfjsTensor): TfjsTensor {
  const count = sizeOf(indices.shape);
  // The WASM backend copies whole rows in gatherND, and single elements in gather.
  return backend === 'wasm' && count > 0
    ? tf.gatherND(x, shaped(tf, indices, [count, 1]))
    : tf.gather(x, shaped(tf, indices, [count]));
}

/**
 * Row and column [rows, 2] of one element of each row. Flat places could exceed 2^24, the limit of exact integers in the
 * WebGPU backend.
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
  takeRows: (context, [x, indices], _, { shape }) => {
    checkIndices(context, 'takeRows', indices, 0, x.shape[0] ?? 0);
    return shaped(context.tf, takeRows(context, x, indices), shape);
  },
  scatterAddRows: (context, [values, indices], { rows }, { shape }) => {
    const { tf } = context;
    const count = sizeOf(indices.shape);
    if (count === 0) return tf.fill([...shape], 0, 'float32');
    checkIndices(context, 'scatterAddRows', indices, 0, rows);
    const flat = shaped(tf, values, [count, ...shape.slice(1)]);
    return tf.scatterND(shaped(tf, indices, [count, 1]), flat, [...shape]);
  },
  takeRowsOnce: (context, [x, indices], _, { shape }) => {
    const { tf } = context;
    checkIndices(context, 'takeRowsOnce', indices, -1, x.shape[0] ?? 0);
    // Index -1 takes the row of zeros before the others.
    const zeros = tf.fill([1, ...x.shape.slice(1)], 0, 'float32');
    const rows = takeRows(context, tf.concat([zeros, x], 0), tf.add(indices, tf.scalar(1, 'int32')));
    return shaped(tf, rows, shape);
  },
  takeLast: (context, [x, indices], _, { shape }) => {
    const { tf } = context;
    const [rows, size] = [sizeOf(shape), x.shape.at(-1) ?? 0];
    if (rows === 0) return tf.fill([...shape], 0, x.dtype as 'float32' | 'int32' | 'bool');
    checkIndices(context, 'takeLast', indices, 0, size);
    const taken = tf.gatherND(shaped(tf, x, [rows, size]), placesInRows(context, indices, rows));
    return shaped(tf, taken, shape);
  },
  scatterLast: (context, [values, indices], { size }, { shape }) => {
    const { tf } = context;
    const rows = sizeOf(values.shape);
    if (rows === 0 || size === 0) return tf.fill([...shape], 0, 'float32');
    checkIndices(context, 'scatterLast', indices, 0, size);
    const places = placesInRows(context, indices, rows);
    return shaped(tf, tf.scatterND(places, shaped(tf, values, [rows]), [rows, size]), shape);
  },
};
