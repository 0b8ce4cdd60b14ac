import type { PoolingAttributes } from '../primitives.js';
import { bool, float32, type HostTensorOf, int32, type Shape, sizeOf } from '../types.js';
import type { GradientRules } from './rule.js';

/** Places of the elements of all windows: K = kernelHeight * kernelWidth places in each of P = H' * W' windows. */
interface Windows {
  /** Place (row * W + column) of element k of window p, [K, P]; 0 in the padding. */
  readonly places: HostTensorOf<'int32'>;
  /** True within the image, [K, P, 1]. */
  readonly within: HostTensorOf<'bool'>;
  /** Number of elements of each window within the image, [H', W']. */
  readonly counts: HostTensorOf<'float32'>;
}

function windowsOf(
  [, , height = 0, width = 0]: Shape,
  [, , rows = 0, columns = 0]: Shape,
  { kernel: [kernelHeight, kernelWidth], stride, padding: [top, left] }: PoolingAttributes,
): Windows {
  const size = kernelHeight * kernelWidth;
  const windows = rows * columns;
  const places = int32([size, windows]);
  const within = bool([size, windows, 1]);
  const counts = float32([rows, columns]);
  for (let k = 0; k < size; k++) {
    for (let p = 0; p < windows; p++) {
      const row = Math.floor(p / columns) * stride - top + Math.floor(k / kernelWidth);
      const column = (p % columns) * stride - left + (k % kernelWidth);
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      places.data[k * windows + p] = row * width + column;
      within.data[k * windows + p] = 1;
      counts.data[p] = (counts.data[p] as number) + 1;
    }
  }
  return { places, within, counts };
}

/** Gradient rules of pooling. */
export const poolingRules: GradientRules<'maxPool2d' | 'averagePool2d'> = {
  // Equal maxima of a window share the gradient evenly.
  maxPool2d: ({ ops, x: [image], y, attributes, g }) => [
    () => {
      const shape = ops.shapeOf(image);
      const [height = 0, width = 0] = shape.slice(2);
      const planes = sizeOf(shape.slice(0, 2));
      const { places, within } = windowsOf(shape, ops.shapeOf(y), attributes);
      const indices = ops.constant(places);
      // Planes last: places become rows. [B, C, H, W] -> [H * W, B * C]
      const asRows = (z: typeof y) => ops.transpose(ops.reshape(z, [planes, -1]), [1, 0]);
      const isMaximum = ops.cast(
        ops.and(ops.equal(ops.takeRows(asRows(image), indices), asRows(y)), ops.constant(within)),
        'float32',
      ); // [K, P, B * C]
      const shares = ops.mul(isMaximum, ops.div(asRows(g), ops.sum(isMaximum, { axes: 0 })));
      const gradient = ops.scatterAddRows(shares, indices, height * width); // [H * W, B * C]
      return ops.reshape(ops.transpose(gradient, [1, 0]), shape);
    },
  ],
  // A sum over windows is a convolution of each plane with ones.
  averagePool2d: ({ ops, x: [image], y, attributes, g }) => [
    () => {
      const [shape, result] = [ops.shapeOf(image), ops.shapeOf(y)];
      const [batch = 0, channels = 0, height = 0, width = 0] = shape;
      const { kernel, stride, padding } = attributes;
      const { counts } = windowsOf(shape, result, attributes);
      const shares = ops.reshape(ops.div(g, ops.constant(counts)), [batch * channels, 1, ...result.slice(2)]);
      const ones = ops.constant(float32([1, 1, ...kernel], new Float32Array(sizeOf(kernel)).fill(1)));
      const gradient = ops.apply('conv2dInputGradient', [shares, ones], { stride, padding, height, width });
      return ops.reshape(gradient, shape);
    },
  ],
};
