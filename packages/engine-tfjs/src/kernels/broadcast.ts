import { type Shape, sameShape } from '@dpar/tensor';
import type { TfjsTensor } from '../tfjs.js';
import type { KernelContext } from './kernel.js';

/**
 * A tensor broadcast to a shape. The arithmetic of TensorFlow.js broadcasts by itself, in WASM a hundred times as fast
 * as its kernel for repeating does; numbers are therefore multiplied by ones, which changes none of them.
 */
export function broadcastTo({ tf }: KernelContext, x: TfjsTensor, shape: Shape): TfjsTensor {
  if (sameShape(x.shape, shape)) return x;
  if (x.dtype === 'bool') return tf.logicalAnd(x, tf.fill([...shape], 1, 'bool'));
  return tf.mul(x, tf.fill([...shape], 1, x.dtype as 'float32' | 'int32'));
}
