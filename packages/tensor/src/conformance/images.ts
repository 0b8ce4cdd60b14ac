import { inferType } from '../infer.js';
import type { AttributesOf, ConvolutionAttributes, PoolingAttributes } from '../primitives.js';
import { float32, type Shape } from '../types.js';
import { exact, normal, type PrimitiveCase, type PrimitiveCases, summed, type Tolerance, uniform } from './case.js';

type Image = 'conv2d' | 'conv2dInputGradient' | 'conv2dWeightGradient' | 'resizeNearest' | 'groupNorm';
type Pooling = 'maxPool2d' | 'averagePool2d';

/** Shapes of an image [B, I, H, W] and a weight [O, I, h, w], stride and padding (top, left, bottom, right). */
const convolutions: readonly (readonly [Shape, Shape, number, ConvolutionAttributes['padding']])[] = [
  [[1, 1, 3, 3], [1, 1, 2, 2], 1, [0, 0, 0, 0]],
  [[2, 2, 4, 5], [3, 2, 3, 3], 1, [1, 1, 1, 1]],
  [[2, 3, 3, 2], [2, 3, 1, 1], 1, [0, 0, 0, 0]],
  [[1, 2, 4, 4], [2, 2, 2, 2], 2, [0, 0, 0, 0]],
  [[1, 2, 5, 6], [2, 2, 3, 3], 2, [0, 0, 1, 1]],
  [[1, 1, 6, 5], [1, 1, 2, 3], 3, [0, 0, 0, 0]],
  [[1, 2, 2, 3], [1, 2, 3, 2], 1, [2, 0, 1, 3]],
  [[2, 1, 1, 1], [2, 1, 3, 3], 1, [1, 1, 1, 1]],
];

const float = (shape: Shape) => ({ dtype: 'float32', shape }) as const;

/** Each convolution with the shape of its result. */
const cases = convolutions.map(([image, weight, stride, padding]) => {
  const attributes: ConvolutionAttributes = { stride, padding };
  const result = inferType('conv2d', [float(image), float(weight)], attributes).shape;
  return { image, weight, result, attributes };
});

function resizeNearest(shape: Shape, factor: number): PrimitiveCase<AttributesOf<'resizeNearest'>> {
  return { inputs: [normal(shape)], attributes: { factor }, tolerance: exact, by: [0] };
}

function groupNorm(shape: Shape, groups: number, epsilon: number): PrimitiveCase<AttributesOf<'groupNorm'>> {
  const channels = shape.slice(1, 2);
  const inputs = [normal(shape), uniform(channels, 0.5, 1.5, 1), normal(channels, 2)];
  return { inputs, attributes: { groups, epsilon }, tolerance: summed, by: [0, 1, 2] };
}

/** Shapes of an image, kernel, stride and padding. */
const pools: readonly (readonly [Shape, PoolingAttributes['kernel'], number, PoolingAttributes['padding']])[] = [
  [[1, 1, 3, 3], [2, 2], 1, [0, 0, 0, 0]],
  [[2, 3, 4, 5], [3, 3], 1, [1, 1, 1, 1]],
  [[1, 2, 5, 7], [3, 3], 2, [0, 0, 0, 0]],
  [[2, 1, 6, 4], [2, 3], 2, [1, 0, 0, 2]],
  [[1, 2, 4, 4], [4, 4], 1, [0, 0, 0, 0]],
  [[1, 1, 5, 5], [1, 2], 3, [0, 1, 0, 0]],
  [[1, 2, 1, 2], [3, 3], 1, [1, 1, 1, 1]],
];

function pooling(tolerance: Tolerance): PrimitiveCase<PoolingAttributes>[] {
  return pools.map(([image, kernel, stride, padding]) => ({
    inputs: [normal(image)],
    attributes: { kernel, stride, padding },
    tolerance,
    by: [0],
  }));
}

/** Cases of the primitives of images. */
export const imageCases: PrimitiveCases<Image | Pooling> = {
  groupNorm: [
    groupNorm([1, 2, 2, 3], 1, 1e-5),
    groupNorm([2, 4, 3, 2], 2, 1e-6),
    groupNorm([2, 3, 2, 2], 3, 0.1),
    groupNorm([1, 6, 1, 4], 2, 1e-5),
  ],
  conv2d: cases.map(({ image, weight, attributes }) => ({
    inputs: [normal(image), normal(weight, 1)],
    attributes,
    tolerance: summed,
    by: [0, 1],
  })),
  conv2dInputGradient: cases.map(({ image, weight, result, attributes }) => ({
    inputs: [normal(result), normal(weight, 1)],
    attributes: { ...attributes, height: image[2] ?? 0, width: image[3] ?? 0 },
    tolerance: summed,
    by: [0, 1],
  })),
  conv2dWeightGradient: cases.map(({ image, weight, result, attributes }) => ({
    inputs: [normal(image), normal(result, 1)],
    attributes: { ...attributes, kernelHeight: weight[2] ?? 0, kernelWidth: weight[3] ?? 0 },
    tolerance: summed,
    by: [0, 1],
  })),
  resizeNearest: [
    resizeNearest([1, 1, 2, 2], 2),
    resizeNearest([2, 3, 1, 2], 3),
    resizeNearest([1, 2, 2, 3], 1),
    resizeNearest([1, 1, 1, 1], 4),
  ],
  maxPool2d: [
    ...pooling(exact),
    {
      inputs: [float32([1, 1, 2, 3], [-3, -2, -1, Number.NEGATIVE_INFINITY, -5, Number.POSITIVE_INFINITY])],
      attributes: { kernel: [2, 2], stride: 1, padding: [1, 1, 0, 0] },
      tolerance: exact,
      by: [],
      about: 'negative and infinite, with padding',
    },
  ],
  averagePool2d: pooling(summed),
};
