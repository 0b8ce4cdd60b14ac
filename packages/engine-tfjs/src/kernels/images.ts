import type { ConvolutionAttributes, PoolingAttributes } from '@dpar/tensor';
import type { Paddings, TfjsTensor } from '../tfjs.js';
import { broadcastTo, type KernelContext, type Kernels, shaped } from './kernel.js';

type Image =
  | 'conv2d'
  | 'conv2dInputGradient'
  | 'conv2dWeightGradient'
  | 'resizeNearest'
  | 'groupNorm'
  | 'maxPool2d'
  | 'averagePool2d';

// All backends of TensorFlow.js convolve [B, H, W, C] with weights [h, w, I, O]. They support different paddings, so images
// are padded before.

/** Pads an image [B, H, W, C] with a value. */
function padded(
  { tf }: KernelContext,
  x: TfjsTensor,
  [top, left, bottom, right]: ConvolutionAttributes['padding'],
  value = 0,
) {
  if (top + left + bottom + right === 0) return x;
  const paddings: Paddings = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  return tf.pad(x, paddings, value);
}

/** Number of elements of a window within the image, for each place along an axis. */
function windowCounts(size: number, places: number, window: number, stride: number, before: number): number[] {
  return Array.from({ length: places }, (_, place) => {
    const start = place * stride - before;
    return Math.min(size, start + window) - Math.max(0, start);
  });
}

/** Size of a window over its number of elements within the image, [1, H', W', 1]. */
function countCorrection(
  { tf }: KernelContext,
  [, , height = 0, width = 0]: readonly number[],
  [, , rows = 0, columns = 0]: readonly number[],
  { kernel: [kernelHeight, kernelWidth], stride, padding: [top, left] }: PoolingAttributes,
): TfjsTensor {
  const down = windowCounts(height, rows, kernelHeight, stride, top);
  const across = windowCounts(width, columns, kernelWidth, stride, left);
  const whole = kernelHeight * kernelWidth;
  const factors = down.flatMap((a) => across.map((b) => whole / (a * b)));
  return tf.tensor(Float32Array.from(factors), [1, rows, columns, 1]);
}

/** Kernels of images. */
export const imageKernels: Kernels<Image> = {
  groupNorm: ({ tf }, [x, weight, bias], { groups, epsilon }) => {
    const [B = 0, C = 0, H = 0, W = 0] = x.shape;
    const grouped = tf.reshape(x, [B, groups, (C / groups) * H * W]);
    const centred = tf.sub(grouped, tf.mean(grouped, [2], true));
    const variance = tf.mean(tf.square(centred), [2], true);
    const normed = tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, tf.scalar(epsilon)))), [B, C, H, W]);
    const perChannel = (y: TfjsTensor): TfjsTensor => tf.reshape(y, [1, C, 1, 1]);
    return tf.add(tf.mul(normed, perChannel(weight)), perChannel(bias));
  },
  conv2d: (context, [image, kernel], { stride, padding }) => {
    const { tf } = context;
    const x = padded(context, tf.transpose(image, [0, 2, 3, 1]), padding);
    const weight = tf.transpose(kernel, [2, 3, 1, 0]);
    return tf.transpose(tf.conv2d(x, weight, stride, 'valid'), [0, 3, 1, 2]);
  },
  conv2dInputGradient: ({ tf, backend }, [g, kernel], { stride, padding, height, width }, { shape }) => {
    const [top, left, bottom, right] = padding;
    const [B = 0, I = 0] = shape;
    const gradient = tf.transpose(g, [0, 2, 3, 1]);
    const weight = tf.transpose(kernel, [2, 3, 1, 0]);
    // oneDNN in TensorFlow 2.21 computes wrong numbers from one channel to one. A second channel of zeros is cut off again.
    const added = backend === 'tensorflow' && I === 1 && kernel.shape[0] === 1 ? 1 : 0;
    const widened: Paddings = [
      [0, 0],
      [0, 0],
      [0, added],
      [0, 0],
    ];
    const whole = tf.conv2dTranspose(
      gradient,
      added === 0 ? weight : tf.pad(weight, widened),
      [B, height + top + bottom, width + left + right, I + added],
      stride,
      'valid',
    );
    const isWhole = added + top + left + bottom + right === 0;
    const inner = isWhole ? whole : tf.slice(whole, [0, top, left, 0], [B, height, width, I]);
    return tf.transpose(inner, [0, 3, 1, 2]);
  },
  // A convolution over the batch: images [I, H, W, B], weights [H', W', B, O] whose elements lie `stride` apart. The WASM
  // backend lacks a kernel for this gradient.
  conv2dWeightGradient: (context, [image, g], { stride, padding, kernelHeight, kernelWidth }, { shape }) => {
    const { tf } = context;
    const [O = 0, I = 0] = shape;
    const x = padded(context, tf.transpose(image, [1, 2, 3, 0]), padding);
    const gradient = tf.transpose(g, [2, 3, 0, 1]);
    const found = tf.conv2d(x, gradient, 1, 'valid', 'NHWC', stride);
    // Rows and columns beyond the kernel belong to pixels that the stride skipped.
    const [, rows, columns] = found.shape;
    const wanted =
      rows === kernelHeight && columns === kernelWidth
        ? found
        : tf.slice(found, [0, 0, 0, 0], [I, kernelHeight, kernelWidth, O]);
    return tf.transpose(wanted, [3, 0, 1, 2]);
  },
  resizeNearest: (context, [x], { factor }, { shape }) => {
    const [B = 0, C = 0, H = 0, W = 0] = x.shape;
    const pixels = shaped(context.tf, x, [B * C * H, 1, W, 1]);
    return shaped(context.tf, broadcastTo(context, pixels, [B * C * H, factor, W, factor]), shape);
  },
  // The padding value is the lowest float32, so padding is never the largest.
  maxPool2d: (context, [image], { kernel: [height, width], stride, padding }) => {
    const { tf } = context;
    const x = padded(context, tf.transpose(image, [0, 2, 3, 1]), padding, -3.4028234663852886e38);
    return tf.transpose(tf.maxPool(x, [height, width], stride, 'valid'), [0, 3, 1, 2]);
  },
  averagePool2d: (context, [image], attributes, { shape }) => {
    const { tf } = context;
    const { kernel, stride, padding } = attributes;
    const x = padded(context, tf.transpose(image, [0, 2, 3, 1]), padding);
    const means = tf.avgPool(x, [kernel[0], kernel[1]], stride, 'valid');
    const counted = padding.some((size) => size > 0)
      ? tf.mul(means, countCorrection(context, image.shape, shape, attributes))
      : means;
    return tf.transpose(counted, [0, 3, 1, 2]);
  },
};
