import type { AttributesOf, None } from '../primitives.js';
import { float32, type Shape } from '../types.js';
import { close, normal, type PrimitiveCase, type PrimitiveCases, summed, uniform } from './case.js';

type Product = 'matmul' | 'softmax' | 'logSoftmax' | 'rmsNorm' | 'rotary';

function matmul(
  a: Shape,
  b: Shape,
  attributes: Partial<AttributesOf<'matmul'>> = {},
): PrimitiveCase<AttributesOf<'matmul'>> {
  return {
    inputs: [normal(a), normal(b, 1)],
    attributes: { transposeA: false, transposeB: false, scale: 1, ...attributes },
    tolerance: summed,
    by: [0, 1],
  };
}

const { NEGATIVE_INFINITY: never } = Number;

const normalized: readonly PrimitiveCase<None>[] = [
  ...[[5], [1], [2, 3], [2, 2, 4], [3, 1]].map((shape) => ({
    inputs: [normal(shape)],
    attributes: {},
    tolerance: close,
    by: [0],
  })),
  { inputs: [uniform([2, 300], -5, 5)], attributes: {}, tolerance: summed, by: [], about: 'of many' },
  {
    inputs: [float32([2, 3], [1000, 999, 0, -1000, -1001, -3000])],
    attributes: {},
    tolerance: close,
    by: [],
    about: 'large',
  },
  {
    inputs: [float32([3, 3], [0, never, 1, never, never, 2, -1e30, -1e30, 5])],
    attributes: {},
    tolerance: close,
    by: [],
    about: 'masked',
  },
];

function rmsNorm(shape: Shape, epsilon: number): PrimitiveCase<AttributesOf<'rmsNorm'>> {
  const weight = uniform(shape.slice(-1), 0.5, 1.5, 1);
  return { inputs: [normal(shape), weight], attributes: { epsilon }, tolerance: close, by: [0, 1] };
}

function rotary(x: Shape, table: Shape, interleaved: boolean, about?: string): PrimitiveCase<AttributesOf<'rotary'>> {
  return {
    inputs: [normal(x), uniform(table, -1, 1, 1)],
    attributes: { interleaved },
    tolerance: close,
    by: [0],
    about,
  };
}

/** Cases of the matrix product and the fused kernels. */
export const productCases: PrimitiveCases<Product> = {
  matmul: [
    matmul([2, 3], [3, 4]),
    matmul([1, 1], [1, 1]),
    matmul([1, 5], [5, 1]),
    matmul([5, 1], [1, 4]),
    matmul([3, 2], [3, 4], { transposeA: true }),
    matmul([2, 3], [4, 3], { transposeB: true }),
    matmul([3, 2], [4, 3], { transposeA: true, transposeB: true, scale: 0.5 }),
    matmul([2, 3], [3, 4], { scale: -2 }),
    matmul([2, 3, 4], [2, 4, 2]),
    matmul([2, 3, 4], [4, 2]),
    matmul([2, 4, 3], [4, 2], { transposeA: true }),
    matmul([2, 3, 4], [2, 4], { transposeB: true, scale: 3 }),
    matmul([3, 4], [2, 4, 2]),
    matmul([2, 1, 3, 4], [5, 4, 2]),
    matmul([1, 3, 4], [2, 4, 2]),
    matmul([2, 2, 3, 4], [2, 2, 5, 4], { transposeB: true, scale: 0.5 }),
    matmul([2, 1, 4, 3], [1, 2, 5, 4], { transposeA: true, transposeB: true }),
    { ...matmul([7, 130], [130, 9]), by: [], about: 'larger than a tile' },
  ],
  softmax: normalized,
  logSoftmax: normalized,
  rmsNorm: [
    rmsNorm([4], 1e-5),
    rmsNorm([2, 3], 1e-5),
    rmsNorm([2, 3, 4], 0.1),
    rmsNorm([3, 1], 0.5),
    {
      inputs: [float32([2, 3]), normal([3])],
      attributes: { epsilon: 1e-5 },
      tolerance: close,
      by: [],
      about: 'of zeros',
    },
  ],
  rotary: [
    rotary([2, 3, 8], [1, 3, 2, 2], true),
    rotary([2, 3, 8], [1, 3, 2, 2], false),
    rotary([2, 3, 8], [2, 3, 2, 2], true, 'a table for each image'),
    rotary([2, 3, 8], [2, 3, 2, 2], false, 'a table for each image'),
    rotary([1, 1, 2], [1, 1, 1, 2], true),
    rotary([2, 2, 6], [1, 2, 3, 2], false, 'one head'),
    rotary([1, 2, 6], [1, 2, 1, 2], true, 'pairs are heads'),
    {
      inputs: [normal([2, 2, 4]), float32([1, 2, 1, 2], [0, 0, 0.6, 0.8])],
      attributes: { interleaved: true },
      tolerance: close,
      by: [0],
      about: 'a position of (0, 0) gives zeros',
    },
  ],
};
