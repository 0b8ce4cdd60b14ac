import type { TfjsTensor } from '../tfjs.js';
import { broadcastTo, castTo, type Kernels, shaped } from './kernel.js';

type Layout = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad';

/** Kernels that move elements. */
export const layoutKernels: Kernels<Layout> = {
  reshape: ({ tf }, [x], { shape }) => shaped(tf, x, shape),
  transpose: (context, [x], { permutation }, { dtype, shape }) => {
    const { tf, backend } = context;
    // Axes of size 1 may move freely: the order of the data stays.
    const moved = permutation.filter((axis) => x.shape[axis] !== 1);
    if (moved.every((axis, i) => i === 0 || axis > (moved[i - 1] ?? 0))) return shaped(tf, x, shape);
    if (backend !== 'webgpu' || dtype === 'float32') return tf.transpose(x, [...permutation]);
    // The WebGPU backend's program for more than two axes compiles for float32 only.
    return castTo(context, tf.transpose(castTo(context, x, 'float32'), [...permutation]), dtype);
  },
  broadcast: (context, [x], { shape }) => broadcastTo(context, x, shape),
  concat: ({ tf }, inputs, { axis }) => {
    const parts = inputs.filter((x) => x.shape[axis] !== 0);
    return parts.length > 1 ? tf.concat(parts, axis) : (parts[0] ?? (inputs[0] as TfjsTensor));
  },
  slice: ({ tf }, [x], { axis, start, size }, { shape }) => {
    if (x.shape[axis] === size) return x;
    if (shape.includes(0)) return tf.fill([...shape], 0, x.dtype as 'float32' | 'int32' | 'bool');
    // As [before, axis, after]: the kernels are fastest with few axes.
    const [before, after] = [sizeBetween(x.shape, 0, axis), sizeBetween(x.shape, axis + 1)];
    const part = tf.slice(shaped(tf, x, [before, x.shape[axis] ?? 1, after]), [0, start, 0], [before, size, after]);
    return shaped(tf, part, shape);
  },
  pad: ({ tf }, [x], { axis, before, after }, { shape }) => {
    if (before + after === 0) return x;
    const flat = shaped(tf, x, [sizeBetween(x.shape, 0, axis), x.shape[axis] ?? 1, sizeBetween(x.shape, axis + 1)]);
    const padded = tf.pad(flat, [
      [0, 0],
      [before, after],
      [0, 0],
    ]);
    return shaped(tf, padded, shape);
  },
};

/** Number of elements in the axes from `start` to before `end`. */
function sizeBetween(shape: readonly number[], start: number, end?: number): number {
  return shape.slice(start, end).reduce((product, size) => product * size, 1);
}
