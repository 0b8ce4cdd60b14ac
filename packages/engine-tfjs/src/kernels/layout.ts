import { broadcastTo } from './broadcast.js';
import { castTo } from './cast.js';
import { inputOf, type Kernels, shaped } from './kernel.js';

type Layout = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad';

/** Kernels that move elements. */
export const layoutKernels: Kernels<Layout> = {
  reshape: ({ tf }, inputs, { shape }) => shaped(tf, inputOf(inputs, 0), shape),
  transpose: (context, inputs, { permutation }, { dtype, shape }) => {
    const { tf, backend } = context;
    const x = inputOf(inputs, 0);
    // Axes of size 1 may go anywhere: what stays in order is not moved.
    const moved = permutation.filter((axis) => x.shape[axis] !== 1);
    if (moved.every((axis, i) => i === 0 || axis > (moved[i - 1] ?? 0))) return shaped(tf, x, shape);
    if (backend !== 'webgpu' || dtype === 'float32') return tf.transpose(x, [...permutation]);
    // The WebGPU backend's program for more than two axes is made for float32 and does not compile for other types.
    return castTo(context, tf.transpose(castTo(context, x, 'float32'), [...permutation]), dtype);
  },
  broadcast: (context, inputs, { shape }) => broadcastTo(context, inputOf(inputs, 0), shape),
  concat: ({ tf }, inputs, { axis }) => {
    const parts = inputs.filter((x) => x.shape[axis] !== 0);
    return parts.length > 1 ? tf.concat(parts, axis) : (parts[0] ?? inputOf(inputs, 0));
  },
  slice: ({ tf }, inputs, { axis, start, size }, { shape }) => {
    const x = inputOf(inputs, 0);
    if (x.shape[axis] === size) return x;
    if (shape.includes(0)) return tf.fill([...shape], 0, x.dtype as 'float32' | 'int32' | 'bool');
    // As [before, axis, after]: the kernels know few axes best.
    const [before, after] = [sizeBetween(x.shape, 0, axis), sizeBetween(x.shape, axis + 1)];
    const part = tf.slice(shaped(tf, x, [before, x.shape[axis] ?? 1, after]), [0, start, 0], [before, size, after]);
    return shaped(tf, part, shape);
  },
  pad: ({ tf }, inputs, { axis, before, after }, { shape }) => {
    const x = inputOf(inputs, 0);
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
