import type { Ops } from '../ops.js';
import { type GradientRules, type RuleContext, unbroadcast } from './rule.js';

type Product = 'matmul' | 'softmax' | 'logSoftmax' | 'rmsNorm' | 'rotary';
type Image = 'conv2d' | 'conv2dInputGradient' | 'conv2dWeightGradient' | 'resizeNearest' | 'groupNorm';

/** x with all axes but the last joined. */
function asRows<T>(ops: Ops<T>, x: T): T {
  return ops.reshape(x, [-1, ops.shapeOf(x).at(-1) ?? 1]);
}

/** Gradient rules of products, fused kernels and images. */
export const productRules: GradientRules<Product | Image> = {
  matmul: ({ ops, x: [a, b], attributes: { transposeA, transposeB, scale }, g }) => {
    // A matrix that multiplies a batch: the sum over the batch is part of one product over all rows.
    const joined = !transposeA && ops.shapeOf(a).length > 2 && ops.shapeOf(b).length === 2;
    return [
      () => {
        const gradient = transposeA
          ? ops.matmul(b, g, { transposeA: transposeB, transposeB: true, scale })
          : ops.matmul(g, b, { transposeB: !transposeB, scale });
        return unbroadcast(ops, gradient, ops.shapeOf(a));
      },
      () => {
        const left = joined ? asRows(ops, a) : a;
        const right = joined ? asRows(ops, g) : g;
        const gradient = transposeB
          ? ops.matmul(right, left, { transposeA: true, transposeB: transposeA, scale })
          : ops.matmul(left, right, { transposeA: !transposeA, scale });
        return unbroadcast(ops, gradient, ops.shapeOf(b));
      },
    ];
  },
  softmax: ({ ops, y, g }) => [() => ops.mul(y, ops.sub(g, ops.sum(ops.mul(g, y), { axes: -1, keepDims: true })))],
  logSoftmax: ({ ops, y, g }) => [() => ops.sub(g, ops.mul(ops.exp(y), ops.sum(g, { axes: -1, keepDims: true })))],
  // With r = (mean(x^2) + epsilon)^-1/2:  dx = r g w - x r^3 mean(g w x),  dw = sum(r g x) over rows.
  // The two sums over g x are products with a vector: g x is read, and never written again.
  rmsNorm: ({ ops, x: [values, weight], attributes: { epsilon }, g }) => {
    const width = ops.shapeOf(weight)[0] ?? 1;
    const rows = asRows(ops, values);
    const scale = ops.reciprocal(ops.sqrt(ops.add(ops.mean(ops.square(rows), { axes: -1, keepDims: true }), epsilon)));
    const product = ops.mul(asRows(ops, g), rows);
    return [
      () => {
        const along = ops.matmul(product, ops.reshape(weight, [width, 1]), { scale: 1 / width });
        const back = ops.mul(along, ops.mul(scale, ops.square(scale)));
        const direct = ops.mul(ops.mul(asRows(ops, g), weight), scale);
        return ops.reshape(ops.sub(direct, ops.mul(rows, back)), ops.shapeOf(values));
      },
      () => ops.reshape(ops.matmul(scale, product, { transposeA: true }), [width]),
    ];
  },
  // The inverse rotation negates the sine. Class positions (0, 0) give zero both ways.
  rotary: ({ ops, x: [, table], attributes, g }) => {
    const flip = ops.constant({ dtype: 'float32', shape: [2], data: new Float32Array([1, -1]) });
    return [() => ops.rotary(g, ops.mul(table, flip), attributes), null];
  },

  conv2d: ({ ops, x: [image, weight], attributes: { stride, padding }, g }) => {
    const [, , height = 0, width = 0] = ops.shapeOf(image);
    const [, , kernelHeight = 0, kernelWidth = 0] = ops.shapeOf(weight);
    return [
      () => ops.apply('conv2dInputGradient', [g, weight], { stride, padding, height, width }),
      () => ops.apply('conv2dWeightGradient', [image, g], { stride, padding, kernelHeight, kernelWidth }),
    ];
  },
  // The convolution is linear in the image and in the weight, so its adjoints are each other's gradients.
  conv2dInputGradient: ({ ops, x: [gradient, weight], attributes: { stride, padding }, g }) => {
    const [, , kernelHeight = 0, kernelWidth = 0] = ops.shapeOf(weight);
    return [
      () => ops.conv2d(g, weight, { stride, padding }),
      () => ops.apply('conv2dWeightGradient', [g, gradient], { stride, padding, kernelHeight, kernelWidth }),
    ];
  },
  conv2dWeightGradient: ({ ops, x: [image, gradient], attributes: { stride, padding }, g }) => {
    const [, , height = 0, width = 0] = ops.shapeOf(image);
    return [
      () => ops.apply('conv2dInputGradient', [gradient, g], { stride, padding, height, width }),
      () => ops.conv2d(image, g, { stride, padding }),
    ];
  },
  // With r = (variance + epsilon)^-1/2 and n = (x - mean) r, and means over a group:
  // dx = r (g w - mean(g w) - n mean(g w n)), which is g a + x b + c with one a, b and c for each channel. All sums over pixels
  // are of g and of g x. The latter are products of rows, which write nothing.
  groupNorm: <T>({ ops, x: [image, weight], attributes: { groups, epsilon }, g }: RuleContext<'groupNorm', T>) => {
    const [B = 0, C = 0, H = 0, W = 0] = ops.shapeOf(image);
    const [pixels, perGroup] = [H * W, C / groups];
    const size = perGroup * pixels;
    const grouped = (x: T): T => ops.sum(ops.reshape(x, [B, groups, perGroup]), { axes: -1, keepDims: true });
    const rows = (x: T, shape: readonly number[]): T => ops.reshape(x, [...shape, 1, -1]);
    const dot = (a: T, b: T, scale = 1): T => ops.matmul(a, b, { transposeB: true, scale });
    const all = rows(image, [B, groups]);
    const mean = ops.reshape(ops.mean(all, { axes: -1 }), [B, groups, 1]);
    const squares = ops.reshape(dot(all, all, 1 / size), [B, groups, 1]);
    const r = ops.reciprocal(ops.sqrt(ops.add(ops.sub(squares, ops.square(mean)), epsilon))); // [B, G, 1]
    const sums = ops.reshape(ops.sum(g, { axes: [2, 3] }), [B, groups, perGroup]);
    const products = ops.reshape(dot(rows(g, [B, C]), rows(image, [B, C])), [B, groups, perGroup]);
    const alongNormed = ops.mul(ops.sub(products, ops.mul(mean, sums)), r); // sums of g n
    const weights = ops.reshape(weight, [1, groups, perGroup]);
    const perChannel = (x: T): T => ops.reshape(ops.broadcast(x, [B, groups, perGroup]), [B, C, 1, 1]);
    return [
      () => {
        const meanG = ops.mul(grouped(ops.mul(weights, sums)), 1 / size);
        const meanGn = ops.mul(grouped(ops.mul(weights, alongNormed)), 1 / size);
        const b = ops.neg(ops.mul(ops.square(r), meanGn));
        const c = ops.neg(ops.add(ops.mul(r, meanG), ops.mul(b, mean)));
        const direct = ops.mul(g, perChannel(ops.mul(r, weights)));
        return ops.add(direct, ops.add(ops.mul(image, perChannel(b)), perChannel(c)));
      },
      () => ops.reshape(ops.sum(alongNormed, { axes: 0 }), [C]),
      () => ops.reshape(ops.sum(sums, { axes: 0 }), [C]),
    ];
  },
  resizeNearest: ({ ops, x: [image], attributes: { factor }, g }) => [
    () => {
      const [batch = 0, channels = 0, height = 0, width = 0] = ops.shapeOf(image);
      return ops.sum(ops.reshape(g, [batch, channels, height, factor, width, factor]), { axes: [3, 5] });
    },
  ],
};
