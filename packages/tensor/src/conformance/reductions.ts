import type { ReductionAttributes } from '../primitives.js';
import { float32 } from '../types.js';
import { exact, normal, type PrimitiveCase, type PrimitiveCases, summed, type Tolerance, uniform } from './case.js';

type Reduction = 'sum' | 'mean' | 'max' | 'argMax';

function reductions(tolerance: Tolerance): PrimitiveCase<ReductionAttributes>[] {
  const reduction = (shape: readonly number[], axes: ReductionAttributes['axes']) => ({
    inputs: [normal(shape)],
    attributes: { axes },
    tolerance,
    by: [0],
  });
  return [
    reduction([5], [0]),
    reduction([2, 3], [0]),
    reduction([2, 3], [1]),
    reduction([2, 3], [1, 0]),
    reduction([2, 3, 4], [0, 2]),
    reduction([2, 3, 4], [1]),
    reduction([2, 1, 3], [1]),
    { ...reduction([2, 3], []), about: 'over no axes' },
    { ...reduction([], []), about: 'of a scalar' },
    { inputs: [uniform([2, 1000], 0, 1)], attributes: { axes: [1] }, tolerance, by: [], about: 'of many' },
  ];
}

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

/** Cases of the reductions. */
export const reductionCases: PrimitiveCases<Reduction> = {
  sum: [
    ...reductions(summed),
    {
      inputs: [float32([3, 2], [infinity, 1, infinity, -infinity, nan, 0])],
      attributes: { axes: [1] },
      tolerance: summed,
      by: [],
      about: 'special values',
    },
    { inputs: [float32([2, 0])], attributes: { axes: [1] }, tolerance: summed, by: [], about: 'of nothing' },
  ],
  mean: reductions(summed),
  max: [
    ...reductions(exact),
    {
      inputs: [float32([3, 2], [infinity, 1, -infinity, -infinity, -infinity, -3])],
      attributes: { axes: [1] },
      tolerance: exact,
      by: [],
      about: 'special values',
    },
  ],
  argMax: [
    ...[[5], [1], [2, 3], [2, 3, 4], [3, 1]].map((shape) => ({
      inputs: [normal(shape)],
      attributes: {},
      tolerance: exact,
      by: [],
    })),
    {
      inputs: [float32([3, 3], [1, 2, 2, 0, 0, 0, -infinity, infinity, infinity])],
      attributes: {},
      tolerance: exact,
      by: [],
      about: 'the first of equal ones',
    },
    { inputs: [float32([2], [-infinity, -1e30])], attributes: {}, tolerance: exact, by: [] },
  ],
};
