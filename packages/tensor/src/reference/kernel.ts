import type { AttributesOf, InputsOf, Primitive } from '../primitives.js';
import { stridesOf } from '../shape.js';
import { type Shape, sizeOf, type TensorType } from '../types.js';

/** Tensor of the reference implementation. Its floats are of single or double precision. */
export interface ReferenceTensor extends TensorType {
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

/** Kernel of a primitive: reads the inputs and fills `output`, a tensor of zeros of the right type. */
export type Kernel<P extends Primitive> = (
  inputs: InputsOf<P, ReferenceTensor>,
  attributes: AttributesOf<P>,
  output: ReferenceTensor,
) => void;

/** Kernels of a group of primitives. */
export type Kernels<P extends Primitive> = { readonly [Q in P]: Kernel<Q> };

/** Size of the last axis (1 for a scalar). */
export function lastSize(shape: Shape): number {
  return shape.at(-1) ?? 1;
}

/** Place of every element of a strided view, in row-major order of `shape`. A stride of 0 repeats an axis. */
export function viewOffsets(shape: Shape, strides: readonly number[], start = 0): Int32Array {
  let offsets = Int32Array.of(start);
  shape.forEach((size, axis) => {
    const stride = strides[axis] ?? 0;
    const inner = new Int32Array(offsets.length * size);
    offsets.forEach((offset, i) => {
      for (let j = 0; j < size; j++) inner[i * size + j] = offset + j * stride;
    });
    offsets = inner;
  });
  return offsets;
}

/** Strides that read a tensor of shape `from` as one of shape `to`: axes of size 1 and missing axes repeat. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, axis) => ((from[axis - missing] ?? 1) === 1 ? 0 : (strides[axis - missing] ?? 0)));
}

/** Place in shape `from` that broadcasts to each element of shape `to`. */
export function broadcastOffsets(from: Shape, to: Shape): Int32Array {
  return viewOffsets(to, broadcastStrides(from, to));
}

/** Number of rows: the product of all axes but the last. */
export function rowCount(shape: Shape): number {
  return sizeOf(shape.slice(0, -1));
}
