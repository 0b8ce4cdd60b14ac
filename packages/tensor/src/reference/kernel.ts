import type { AttributesOf, Primitive } from '../primitives.js';
import { stridesOf } from '../shape.js';
import { type Shape, sizeOf, type TensorType } from '../types.js';

/** A tensor of the reference implementation. Floats are Float32Array, or Float64Array when computing in double precision. */
export interface ReferenceTensor extends TensorType {
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

/** Computes a primitive: reads the inputs and fills `output`, which comes with the right type and zeros. */
export type Kernel<P extends Primitive> = (
  inputs: readonly ReferenceTensor[],
  attributes: AttributesOf<P>,
  output: ReferenceTensor,
) => void;

/** The kernels of a group of primitives. */
export type Kernels<P extends Primitive> = { readonly [Q in P]: Kernel<Q> };

/** Input `index` (the shape rules have checked that it is there). */
export function inputOf(inputs: readonly ReferenceTensor[], index: number): ReferenceTensor {
  return inputs[index] as ReferenceTensor;
}

/** Size of the last axis (1 for a scalar). */
export function lastSize(shape: Shape): number {
  return shape.at(-1) ?? 1;
}

/** The place of every element of a strided view, in row-major order of `shape`; a stride of 0 repeats an axis. */
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

/** Strides that read a tensor of shape `from` as one of shape `to`, repeating axes of size 1 and missing leading axes. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, axis) => ((from[axis - missing] ?? 1) === 1 ? 0 : (strides[axis - missing] ?? 0)));
}

/** For every element of shape `to`, the place of the element of shape `from` that broadcasts to it. */
export function broadcastOffsets(from: Shape, to: Shape): Int32Array {
  return viewOffsets(to, broadcastStrides(from, to));
}

/** The rows of a tensor: everything but the last axis joined. */
export function rowCount(shape: Shape): number {
  return sizeOf(shape.slice(0, -1));
}
