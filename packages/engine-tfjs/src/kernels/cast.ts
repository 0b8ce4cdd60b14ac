import type { DType } from '@dpar/tensor';
import type { TfjsTensor } from '../tfjs.js';
import type { KernelContext } from './kernel.js';

/** A tensor with elements of another type: whole numbers are truncated, all but 0 is true. */
export function castTo({ tf, backend }: KernelContext, x: TfjsTensor, dtype: DType): TfjsTensor {
  if (x.dtype === dtype) return x;
  // The cast of the WASM backend truncates on the way: 0.1 would be false, and 256 too.
  if (dtype === 'bool') return tf.notEqual(x, tf.scalar(0, x.dtype as 'float32' | 'int32'));
  const cast = tf.cast(x, dtype);
  // The cast of the WebGPU backend gives the same buffer another name; kernels that read it directly would find whole
  // numbers in it. Arithmetic writes a buffer of float32.
  return backend === 'webgpu' && dtype === 'float32' ? tf.mul(cast, tf.scalar(1)) : cast;
}
