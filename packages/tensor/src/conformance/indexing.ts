import { int32 } from '../types.js';
import { bools, exact, integers, normal, type PrimitiveCases, summed } from './case.js';

type Indexing = 'takeRows' | 'scatterAddRows' | 'takeRowsOnce' | 'takeLast' | 'scatterLast';

/** Cases of the primitives that read or write at indices. */
export const indexingCases: PrimitiveCases<Indexing> = {
  takeRows: [
    { inputs: [normal([4, 3]), int32([2], [3, 0])], attributes: {}, tolerance: exact, by: [0] },
    { inputs: [normal([4, 3]), integers([2, 5], 0, 4)], attributes: {}, tolerance: exact, by: [0], about: 'repeated' },
    { inputs: [normal([5]), integers([3], 0, 5)], attributes: {}, tolerance: exact, by: [0] },
    { inputs: [normal([3, 2, 2]), int32([], [1])], attributes: {}, tolerance: exact, by: [0], about: 'one index' },
    { inputs: [normal([1, 4]), int32([3], [0, 0, 0])], attributes: {}, tolerance: exact, by: [0] },
    { inputs: [integers([4, 2], -9, 9), integers([3], 0, 4)], attributes: {}, tolerance: exact, by: [] },
    { inputs: [bools([4, 2]), integers([3], 0, 4)], attributes: {}, tolerance: exact, by: [] },
    { inputs: [normal([4, 3]), int32([0])], attributes: {}, tolerance: exact, by: [], about: 'no index' },
  ],
  scatterAddRows: [
    { inputs: [normal([2, 3]), int32([2], [3, 0])], attributes: { rows: 4 }, tolerance: summed, by: [0] },
    {
      inputs: [normal([6, 2]), int32([6], [1, 1, 0, 1, 3, 3])],
      attributes: { rows: 5 },
      tolerance: summed,
      by: [0],
      about: 'repeated',
    },
    { inputs: [normal([2, 3, 2]), integers([2, 3], 0, 3)], attributes: { rows: 3 }, tolerance: summed, by: [0] },
    { inputs: [normal([5]), integers([5], 0, 2)], attributes: { rows: 2 }, tolerance: summed, by: [0] },
    {
      inputs: [normal([2, 2]), int32([], [1])],
      attributes: { rows: 3 },
      tolerance: summed,
      by: [0],
      about: 'one index',
    },
    { inputs: [normal([300, 4]), integers([300], 0, 7)], attributes: { rows: 7 }, tolerance: summed, by: [] },
  ],
  takeRowsOnce: [
    {
      inputs: [normal([3, 2]), int32([2, 2], [2, -1, 0, 1]), int32([3], [2, 3, 0])],
      attributes: {},
      tolerance: exact,
      by: [0],
    },
    {
      inputs: [normal([4, 3]), int32([5], [-1, 3, -1, 0, -1]), int32([4], [3, -1, -1, 1])],
      attributes: {},
      tolerance: exact,
      by: [0],
      about: 'rows and places unused',
    },
    {
      inputs: [normal([2, 2, 2]), int32([2], [-1, -1]), int32([2], [-1, -1])],
      attributes: {},
      tolerance: exact,
      by: [0],
      about: 'nothing taken',
    },
    { inputs: [normal([3]), int32([3], [1, 2, 0]), int32([3], [2, 0, 1])], attributes: {}, tolerance: exact, by: [0] },
  ],
  takeLast: [
    { inputs: [normal([4, 3]), int32([4], [2, 0, 1, 1])], attributes: {}, tolerance: exact, by: [0] },
    { inputs: [normal([2, 3, 5]), integers([2, 3], 0, 5)], attributes: {}, tolerance: exact, by: [0] },
    { inputs: [normal([4]), int32([], [3])], attributes: {}, tolerance: exact, by: [0] },
    { inputs: [normal([3, 1]), int32([3], [0, 0, 0])], attributes: {}, tolerance: exact, by: [0] },
    { inputs: [integers([2, 4], -9, 9), integers([2], 0, 4)], attributes: {}, tolerance: exact, by: [] },
  ],
  scatterLast: [
    { inputs: [normal([4]), int32([4], [2, 0, 1, 1])], attributes: { size: 3 }, tolerance: exact, by: [0] },
    { inputs: [normal([2, 3]), integers([2, 3], 0, 5)], attributes: { size: 5 }, tolerance: exact, by: [0] },
    { inputs: [normal([]), int32([], [3])], attributes: { size: 4 }, tolerance: exact, by: [0] },
    { inputs: [normal([3, 1]), int32([3, 1], [0, 0, 0])], attributes: { size: 1 }, tolerance: exact, by: [0] },
  ],
};
