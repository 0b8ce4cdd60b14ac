import type { PoolingAttributes } from '../primitives.js';
import { bool, float32, type HostTensorOf, int32, type Shape, sizeOf } from '../types.js';
import type { GradientRules, RuleContext } from './rule.js';

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

/** True for square windows side by side: each element then belongs to one window at most. */
function areSideBySide({ kernel: [height, width], stride, padding }: PoolingAttributes): boolean {
  return height === stride && width === stride && padding.every((size) => size === 0);
}

/** Gradient of maxima of windows side by side: every step is elementwise, which is much faster than adding at places. */
function byRepeating<T>({ ops, x: [image], y, attributes: { kernel, stride }, g }: RuleContext<'maxPool2d', T>): T {
  const shape = ops.shapeOf(image);
  /** Repeats the number of each window at its elements. Rows and columns behind the last windows get 0. */
  const spread = (windows: T): T => {
    const repeated = ops.resizeNearest(windows, stride);
    return [2, 3].reduce((z, axis) => {
      const rest = (shape[axis] ?? 0) - (ops.shapeOf(z)[axis] ?? 0);
      return rest === 0 ? z : ops.pad(z, axis, 0, rest);
    }, repeated);
  };
  const isMaximum = ops.cast(ops.equal(image, spread(y)), 'float32');
  const count = ops.mul(ops.averagePool2d(isMaximum, { kernel, stride }), stride * stride);
  return ops.mul(isMaximum, spread(ops.div(g, count)));
}

/** Gradient of maxima of any windows: shares are added at the places of the elements. */
function byScattering<T>({ ops, x: [image], y, attributes, g }: RuleContext<'maxPool2d', T>): T {
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
}

/** Gradient rules of pooling. */
export const poolingRules: GradientRules<'maxPool2d' | 'averagePool2d'> = {
  // Equal maxima of a window share the gradient evenly.
  maxPool2d: (context) => [() => (areSideBySide(context.attributes) ? byRepeating(context) : byScattering(context))],
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
