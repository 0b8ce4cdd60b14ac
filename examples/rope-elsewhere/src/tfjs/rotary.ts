import { cosSin, type RotaryTable } from '@dpar/rope';
import * as tf from '@tensorflow/tfjs';

/** Cosines and sines of a table as tensors: [1 or B, positions, 1, headDim / 2] each. */
export interface Rotation {
  readonly cos: tf.Tensor4D;
  readonly sin: tf.Tensor4D;
}

/** Moves a table to TensorFlow.js. */
export function toRotation(table: RotaryTable): Rotation {
  const { shape, cos, sin } = cosSin(table);
  const [tables = 1, positions = 0, pairs = 0] = shape;
  const toTensor = (values: Float32Array): tf.Tensor4D => tf.tensor4d(values, [tables, positions, 1, pairs]);
  return { cos: toTensor(cos), sin: toTensor(sin) };
}

/**
 * Rotates queries or keys.
 *
 * @param x [B, positions, heads, headDim]
 * @param pairs As in `applyRotary` of `@dpar/rope`.
 */
export function rotate(
  x: tf.Tensor4D,
  { cos, sin }: Rotation,
  pairs: 'interleaved' | 'half-split' = 'interleaved',
): tf.Tensor4D {
  return tf.tidy(() => {
    const [B, P, H, D] = x.shape;
    const [a, b] = (
      pairs === 'half-split' ? tf.split(x, 2, -1) : tf.unstack(tf.reshape(x, [B, P, H, D / 2, 2]), -1)
    ) as [tf.Tensor4D, tf.Tensor4D];
    const turned = [tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(a, sin), tf.mul(b, cos))];
    return (pairs === 'half-split' ? tf.concat(turned, -1) : tf.reshape(tf.stack(turned, -1), x.shape)) as tf.Tensor4D;
  });
}
