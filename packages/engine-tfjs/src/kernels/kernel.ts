import type { AttributesOf, Primitive, Shape, TensorType } from '@dpar/tensor';
import { sameShape } from '@dpar/tensor';
import type { Tfjs, TfjsTensor } from '../tfjs.js';

/** What kernels work with. */
export interface KernelContext {
  readonly tf: Tfjs;
  /** Name of the backend that computes. */
  readonly backend: string;
  /** A tensor that several applications use: made once, and kept as long as the context lasts. */
  shared(key: string, make: () => TfjsTensor): TfjsTensor;
}

/**
 * Computes a primitive with functions of TensorFlow.js. What it makes on the way is disposed by the caller, who calls it
 * within `tf.tidy`; the result may be an input itself.
 */
export type Kernel<P extends Primitive> = (
  context: KernelContext,
  inputs: readonly TfjsTensor[],
  attributes: AttributesOf<P>,
  output: TensorType,
) => TfjsTensor;

/** The kernels of a group of primitives. */
export type Kernels<P extends Primitive> = { readonly [Q in P]: Kernel<Q> };

/** Input `index` (the shape rules have checked that it is there). */
export function inputOf(inputs: readonly TfjsTensor[], index: number): TfjsTensor {
  return inputs[index] as TfjsTensor;
}

/** A tensor in another shape, without a call where it has that shape. */
export function shaped(tf: Tfjs, x: TfjsTensor, shape: Shape): TfjsTensor {
  return sameShape(x.shape, shape) ? x : tf.reshape(x, [...shape]);
}

/** Whether tensors lie in ordinary memory, so that reading one costs no more than a copy. */
export function isHostBackend(backend: string): boolean {
  return backend === 'wasm' || backend === 'cpu';
}
