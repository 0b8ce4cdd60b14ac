import type { ConvolutionAttributes } from '@dpar/tensor';
import type { TfjsTensor } from '../tfjs.js';
import { broadcastTo } from './broadcast.js';
import { inputOf, type KernelContext, type Kernels, shaped } from './kernel.js';

type Image = 'conv2d' | 'conv2dInputGradient' | 'conv2dWeightGradient' | 'resizeNearest';

// TensorFlow.js convolves [B, H, W, C] with weights [h, w, I, O] on all backends, and what padding its backends take
// differs: images are padded before.

/** An image [B, H, W, C] with zeros around it. */
function padded({ tf }: KernelContext, x: TfjsTensor, [top, left, bottom, right]: ConvolutionAttributes['padding']) {
  if (top + left + bottom + right === 0) return x;
  return tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
}

/** Kernels of images. */
export const imageKernels: Kernels<Image> = {
  conv2d: (context, inputs, { stride, padding }) => {
    const { tf } = context;
    const x = padded(context, tf.transpose(inputOf(inputs, 0), [0, 2, 3, 1]), padding);
    const weight = tf.transpose(inputOf(inputs, 1), [2, 3, 1, 0]);
    return tf.transpose(tf.conv2d(x, weight, stride, 'valid'), [0, 3, 1, 2]);
  },
  conv2dInputGradient: ({ tf }, inputs, { stride, padding: [top, left, bottom, right], height, width }, { shape }) => {
    const [B = 0, I = 0] = shape;
    const gradient = tf.transpose(inputOf(inputs, 0), [0, 2, 3, 1]);
    const weight = tf.transpose(inputOf(inputs, 1), [2, 3, 1, 0]);
    const whole = tf.conv2dTranspose(
      gradient,
      weight,
      [B, height + top + bottom, width + left + right, I],
      stride,
      'valid',
    );
    const inner = top + left + bottom + right === 0 ? whole : tf.slice(whole, [0, top, left, 0], [B, height, width, I]);
    return tf.transpose(inner, [0, 3, 1, 2]);
  },
  // A convolution over the batch: images [I, H, W, B], weights [H', W', B, O] whose elements lie `stride` apart. The WASM
  // backend has no kernel of its own for this gradient.
  conv2dWeightGradient: (context, inputs, { stride, padding, kernelHeight, kernelWidth }, { shape }) => {
    const { tf } = context;
    const [O = 0, I = 0] = shape;
    const x = padded(context, tf.transpose(inputOf(inputs, 0), [1, 2, 3, 0]), padding);
    const gradient = tf.transpose(inputOf(inputs, 1), [2, 3, 0, 1]);
    const found = tf.conv2d(x, gradient, 1, 'valid', 'NHWC', stride);
    // Rows and columns beyond the kernel belong to pixels that no stride reached.
    const [, rows, columns] = found.shape;
    const wanted =
      rows === kernelHeight && columns === kernelWidth
        ? found
        : tf.slice(found, [0, 0, 0, 0], [I, kernelHeight, kernelWidth, O]);
    return tf.transpose(wanted, [3, 0, 1, 2]);
  },
  resizeNearest: (context, inputs, { factor }, { shape }) => {
    const x = inputOf(inputs, 0);
    const [B = 0, C = 0, H = 0, W = 0] = x.shape;
    const pixels = shaped(context.tf, x, [B * C * H, 1, W, 1]);
    return shaped(context.tf, broadcastTo(context, pixels, [B * C * H, factor, W, factor]), shape);
  },
};
