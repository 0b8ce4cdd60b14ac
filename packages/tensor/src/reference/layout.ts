import { stridesOf } from '../shape.js';
import { broadcastOffsets, inputOf, type Kernels, type ReferenceTensor, viewOffsets } from './kernel.js';

type Layout = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad';

/** The places that a part of shape `part`, starting at `start` along `axis`, takes in a tensor of shape `whole`. */
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
  reshape: (inputs, _, output) => output.data.set(inputOf(inputs, 0).data),
  transpose: (inputs, { permutation }, output) => {
    const x = inputOf(inputs, 0);
    const strides = stridesOf(x.shape);
    const permuted = permutation.map((axis) => strides[axis] ?? 0);
    gather(x, viewOffsets(output.shape, permuted), output);
  },
  broadcast: (inputs, { shape }, output) => {
    const x = inputOf(inputs, 0);
    gather(x, broadcastOffsets(x.shape, shape), output);
  },
  concat: (inputs, { axis }, output) => {
    let start = 0;
    for (const x of inputs) {
      scatter(x, partOffsets(x.shape, output.shape, axis, start), output);
      start += x.shape[axis] ?? 0;
    }
  },
  slice: (inputs, { axis, start }, output) => {
    const x = inputOf(inputs, 0);
    gather(x, partOffsets(output.shape, x.shape, axis, start), output);
  },
  pad: (inputs, { axis, before }, output) => {
    const x = inputOf(inputs, 0);
    scatter(x, partOffsets(x.shape, output.shape, axis, before), output);
  },
};
