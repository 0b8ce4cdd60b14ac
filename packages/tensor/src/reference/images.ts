import type { ConvolutionAttributes } from '../primitives.js';
import type { Shape } from '../types.js';
import type { Kernel, Kernels } from './kernel.js';

type Image = 'conv2d' | 'conv2dInputGradient' | 'conv2dWeightGradient' | 'resizeNearest' | 'groupNorm';
type Pooling = 'maxPool2d' | 'averagePool2d';

/**
 * Visits the places (x, weight, y) of every product x * weight that a convolution adds to y.
 * x [B, I, H, W], weight [O, I, h, w], y [B, O, H', W'].
 */
function forEachProduct(
  xShape: Shape,
  weightShape: Shape,
  yShape: Shape,
  { stride, padding: [top, left] }: ConvolutionAttributes,
  visit: (x: number, weight: number, y: number) => void,
): void {
  const [, , height = 0, width = 0] = xShape;
  const [, channels = 0, kernelHeight = 0, kernelWidth = 0] = weightShape;
  const [batch = 0, outputs = 0, rows = 0, columns = 0] = yShape;
  for (let b = 0; b < batch; b++) {
    for (let o = 0; o < outputs; o++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const y = ((b * outputs + o) * rows + row) * columns + column;
          for (let c = 0; c < channels; c++) {
            for (let u = 0; u < kernelHeight; u++) {
              for (let v = 0; v < kernelWidth; v++) {
                const i = row * stride - top + u;
                const j = column * stride - left + v;
                if (i < 0 || i >= height || j < 0 || j >= width) continue;
                const x = ((b * channels + c) * height + i) * width + j;
                visit(x, ((o * channels + c) * kernelHeight + u) * kernelWidth + v, y);
              }
            }
          }
        }
      }
    }
  }
}

/** Combines the elements of each window, starting from `initial`. `finish` receives the total and the count. */
function pooling(
  initial: number,
  combine: (total: number, x: number) => number,
  finish: (total: number, count: number) => number,
): Kernel<Pooling> {
  return ([x], { kernel, stride, padding: [top, left] }, output) => {
    const [, , height = 0, width = 0] = x.shape;
    const [, , rows = 0, columns = 0] = output.shape;
    for (let i = 0; i < output.data.length; i++) {
      const plane = Math.floor(i / (rows * columns));
      const firstRow = Math.floor((i % (rows * columns)) / columns) * stride - top;
      const firstColumn = (i % columns) * stride - left;
      let [total, count] = [initial, 0];
      for (let row = Math.max(0, firstRow); row < Math.min(height, firstRow + kernel[0]); row++) {
        for (let column = Math.max(0, firstColumn); column < Math.min(width, firstColumn + kernel[1]); column++) {
          total = combine(total, x.data[(plane * height + row) * width + column]!);
          count++;
        }
      }
      output.data[i] = finish(total, count);
    }
  };
}

/** Kernels of images. */
export const imageKernels: Kernels<Image | Pooling> = {
  groupNorm: ([x, weight, bias], { groups, epsilon }, output) => {
    const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
    const [pixels, perGroup] = [height * width, channels / groups];
    const size = perGroup * pixels;
    for (let group = 0; group < batch * groups; group++) {
      const values = x.data.subarray(group * size, (group + 1) * size) as Float32Array;
      const mean = values.reduce((sum, value) => sum + value, 0) / size;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
      const scale = 1 / Math.sqrt(variance + epsilon);
      for (let i = 0; i < size; i++) {
        const channel = (group % groups) * perGroup + Math.floor(i / pixels);
        output.data[group * size + i] = (values[i]! - mean) * scale * weight.data[channel]! + bias.data[channel]!;
      }
    }
  },
  conv2d: ([x, weight], attributes, output) => {
    const sums = new Float64Array(output.data.length);
    forEachProduct(x.shape, weight.shape, output.shape, attributes, (i, w, o) => {
      sums[o]! += x.data[i]! * weight.data[w]!;
    });
    output.data.set(sums);
  },
  conv2dInputGradient: ([gradient, weight], attributes, output) => {
    const sums = new Float64Array(output.data.length);
    forEachProduct(output.shape, weight.shape, gradient.shape, attributes, (i, w, o) => {
      sums[i]! += gradient.data[o]! * weight.data[w]!;
    });
    output.data.set(sums);
  },
  conv2dWeightGradient: ([x, gradient], attributes, output) => {
    const sums = new Float64Array(output.data.length);
    forEachProduct(x.shape, output.shape, gradient.shape, attributes, (i, w, o) => {
      sums[w]! += x.data[i]! * gradient.data[o]!;
    });
    output.data.set(sums);
  },
  resizeNearest: ([x], { factor }, output) => {
    const [, , height = 0, width = 0] = x.shape;
    const [rows, columns] = [height * factor, width * factor];
    for (let i = 0; i < output.data.length; i++) {
      const plane = Math.floor(i / (rows * columns));
      const row = Math.floor((i % (rows * columns)) / columns / factor);
      const column = Math.floor((i % columns) / factor);
      output.data[i] = x.data[(plane * height + row) * width + column]!;
    }
  },
  maxPool2d: pooling(Number.NEGATIVE_INFINITY, Math.max, (total) => total),
  averagePool2d: pooling(
    0,
    (total, x) => total + x,
    (total, count) => total / count,
  ),
};
