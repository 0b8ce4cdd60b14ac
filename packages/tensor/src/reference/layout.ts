import { stridesOf } from '../shape.js';
import { broadcastOffsets, type Kernels, type ReferenceTensor, viewOffsets } from './kernel.js';

type Layout = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad';

/** Places in a tensor of shape `whole` of a part that begins at `start` along `axis`. */
function partOffsets(part: readonly number[], whole: readonly number[], axis: number, start: number): Int32Array {
  const strides = stridesOf(whole);
  return viewOffsets(part, strides, start * (strides[axis] ?? 0));
}

/** output[i] = x[offsets[i]] */
function gather(x: ReferenceTensor, offsets: Int32Array, output: ReferenceTensor): void {
  offsets.forEach((offset, i) => {
    output.data[i] = x.data[offset]!;
  });
}

/** output[offsets[i]] = x[i] */
function scatter(x: ReferenceTensor, offsets: Int32Array, output: ReferenceTensor): void {
  offsets.forEach((offset, i) => {
    output.data[offset] = x.data[i]!;
  });
}

/** Kernels that move elements. */
export const layoutKernels: Kernels<Layout> = {
  reshape: ([x], _, output) => output.data.set(x.data),
  transpose: ([x], { permutation }, output) => {
    const strides = stridesOf(x.shape);
    const permuted = permutation.map((axis) => strides[axis] ?? 0);
    gather(x, viewOffsets(output.shape, permuted), output);
  },
  broadcast: ([x], { shape }, output) => {
    gather(x, broadcastOffsets(x.shape, shape), output);
  },
  concat: (inputs, { axis }, output) => {
    let start = 0;
    for (const x of inputs) {
      scatter(x, partOffsets(x.shape, output.shape, axis, start), output);
      start += x.shape[axis] ?? 0;
    }
  },
  slice: ([x], { axis, start }, output) => {
    gather(x, partOffsets(output.shape, x.shape, axis, start), output);
  },
  pad: ([x], { axis, before }, output) => {
    scatter(x, partOffsets(x.shape, output.shape, axis, before), output);
  },
};
