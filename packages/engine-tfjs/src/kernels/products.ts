import { inputOf, type Kernels } from './kernel.js';
import { matmul } from './matmul.js';
import { rotary } from './rotary.js';

type Product = 'matmul' | 'softmax' | 'logSoftmax' | 'rmsNorm' | 'rotary';

/** Matrix product and what one kernel or a few of TensorFlow.js make up. */
export const productKernels: Kernels<Product> = {
  matmul,
  softmax: ({ tf }, inputs) => tf.softmax(inputOf(inputs, 0)),
  logSoftmax: ({ tf }, inputs) => {
    const x = inputOf(inputs, 0);
    const last = [x.shape.length - 1];
    const shifted = tf.sub(x, tf.max(x, last, true));
    return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), last, true)));
  },
  rmsNorm: ({ tf }, inputs, { epsilon }) => {
    const [x, weight] = [inputOf(inputs, 0), inputOf(inputs, 1)];
    const squares = tf.mean(tf.square(x), [x.shape.length - 1], true);
    return tf.mul(tf.mul(x, tf.rsqrt(tf.add(squares, tf.scalar(epsilon)))), weight);
  },
  rotary,
};
