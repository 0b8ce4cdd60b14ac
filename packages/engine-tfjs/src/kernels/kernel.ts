import {
  type AttributesOf,
  type DType,
  type InputsOf,
  type Primitive,
  type Shape,
  sameShape,
  type TensorType,
} from '@dpar/tensor';
import type { Tfjs, TfjsTensor } from '../tfjs.js';

/** Namespace and backend that kernels compute with. */
export interface KernelContext {
  readonly tf: Tfjs;
  /** Name of the backend. */
  readonly backend: string;
  /** Tensor that several applications share: made once, and kept as long as the context. */
  shared(key: string, make: () => TfjsTensor): TfjsTensor;
}

/**
 * Computes a primitive with functions of TensorFlow.js. The caller runs it within `tf.tidy`, which disposes intermediate
 * tensors. The result may be an input itself.
 */
export type Kernel<P extends Primitive> = (
  context: KernelContext,
  inputs: InputsOf<P, TfjsTensor>,
  attributes: AttributesOf<P>,
  output: TensorType,
) => TfjsTensor;

/** Kernels of a group of primitives. */
export type Kernels<P extends Primitive> = { readonly [Q in P]: Kernel<Q> };

/** Reshapes a tensor, unless it already has the shape. */
export function shaped(tf: Tfjs, x: TfjsTensor, shape: Shape): TfjsTensor {
  return sameShape(x.shape, shape) ? x : tf.reshape(x, [...shape]);
}

/** True if tensors lie in host memory, so that reading one costs no more than a copy. */
export function isHostBackend({ tf, backend }: KernelContext): boolean {
  const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean };
  return backend === 'wasm' || backend === 'cpu' || (backend === 'tensorflow' && isUsingGpuDevice !== true);
}

/**
 * Broadcasts a tensor to a shape. The arithmetic of TensorFlow.js broadcasts by itself, in WASM a hundred times as fast as
 * its kernel for repeating. Numbers are therefore multiplied by ones, which changes none of them.
 */
export function broadcastTo({ tf }: KernelContext, x: TfjsTensor, shape: Shape): TfjsTensor {
  if (sameShape(x.shape, shape)) return x;
  if (x.dtype === 'bool') return tf.logicalAnd(x, tf.fill([...shape], 1, 'bool'));
  return tf.mul(x, tf.fill([...shape], 1, x.dtype as 'float32' | 'int32'));
}

/** Converts the element type: numbers are truncated to int32, and every number but 0 is true. */
export function castTo({ tf, backend }: KernelContext, x: TfjsTensor, dtype: DType): TfjsTensor {
  if (x.dtype === dtype) return x;
  // The cast of the WASM backend truncates first: 0.1 would be false, and 256 too.
  if (dtype === 'bool') return tf.notEqual(x, tf.scalar(0, x.dtype as 'float32' | 'int32'));
  const cast = tf.cast(x, dtype);
  // The cast of the WebGPU backend only renames the buffer, in which kernels that read it directly would find integers.
  // Arithmetic writes a buffer of float32.
  return backend === 'webgpu' && dtype === 'float32' ? tf.mul(cast, tf.scalar(1)) : cast;
}
