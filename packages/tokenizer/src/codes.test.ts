import { float32, referenceOps as ops } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { nearestCodes } from './codes.js';

it('finds the nearest code, which need not have the largest product', () => {
  const codebook = float32([3, 2], [10, 10, 1, 1, -1, 0]);
  const x = float32([2, 2, 2], [2, 2, 9, 8, -0.1, 0, -5, 1]);
  const codes = nearestCodes(ops, codebook, x);
  expect(codes.shape).toEqual([2, 2]);
  expect([...codes.data]).toEqual([1, 0, 2, 2]);
});
