import type { Kernels } from './kernel.js';
import { matmul } from './matmul.js';
import { rotary } from './rotary.js';

type Product = 'matmul' | 'softmax' | 'logSoftmax' | 'rmsNorm' | 'rotary';

/** Kernels of products and of fused operations. */
export const productKernels: Kernels<Product> = {
  matmul,
  softmax: ({ tf }, [x]) => tf.softmax(x),
  logSoftmax: ({ tf }, [x]) => {
    const last = [x.shape.length - 1];
    const shifted = tf.sub(x, tf.max(x, last, true));
    return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), last, true)));
  },
  rmsNorm: ({ tf }, [x, weight], { epsilon }) => {
    const squares = tf.mean(tf.square(x), [x.shape.length - 1], true);
    return tf.mul(tf.mul(x, tf.rsqrt(tf.add(squares, tf.scalar(epsilon)))), weight);
  },
  rotary,
};
