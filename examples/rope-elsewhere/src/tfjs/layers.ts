import * as tf from '@tensorflow/tfjs';

/**
 * Matrix product x w whose gradients transpose matrices first. The gradients of TensorFlow.js multiply transposed matrices
 * instead, for which its WASM backend needs up to four times as long.
 */
export function product(x: tf.Tensor2D, w: tf.Tensor): tf.Tensor2D {
  const multiply = tf.customGrad((...[a, b, save]) => {
    (save as unknown as (kept: tf.Tensor[]) => void)([a as tf.Tensor, b as tf.Tensor]);
    return {
      value: tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
      gradFunc: (dy, [a, b]) => [
        tf.matMul(dy as tf.Tensor2D, tf.transpose(b as tf.Tensor2D)),
        tf.matMul(tf.transpose(a as tf.Tensor2D), dy as tf.Tensor2D),
      ],
    };
  });
  return multiply(x, w) as tf.Tensor2D;
}

/** Softmax attention of queries, keys and values [B, P, H, headDim]: [B P, H headDim]. @param absent Added to scores. */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, absent: tf.Tensor): tf.Tensor2D {
  const [B, P, H, D] = q.shape;
  const byHead = (x: tf.Tensor4D): tf.Tensor4D => tf.transpose(x, [0, 2, 1, 3]); // [B, H, P, D]
  const scores = tf.mul(tf.matMul(byHead(q), byHead(k), false, true), D ** -0.5); // [B, H, P, P]
  const mixed = tf.matMul(tf.softmax(tf.add(scores, absent)), byHead(v)) as tf.Tensor4D;
  return tf.reshape(byHead(mixed), [B * P, H * D]);
}

/** Root-mean-square normalisation of the rows of x [N, width], times a scale [width]. */
export function rmsNorm(x: tf.Tensor2D, scale: tf.Tensor): tf.Tensor2D {
  const meanSquare = tf.mean(tf.square(x), -1, true);
  return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, 1e-5))), scale);
}
