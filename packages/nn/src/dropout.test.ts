import { bool, float32, referenceOps as ops } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { dropout, linearWithDropout } from './dropout.js';
import { linear } from './linear.js';

it('drops what is not kept and scales the rest', () => {
  const x = float32([2, 2], [1, 2, 3, 4]);
  expect(dropout(ops, x, { keep: bool([2, 2], [1, 0, 0, 1]), scale: 2 })).toEqual(float32([2, 2], [2, 0, 0, 8]));
  expect(dropout(ops, x, undefined)).toBe(x);
});

it('is the same after a linear layer that takes in the factor', () => {
  const [x, weight] = [float32([2, 3], [1, 2, 3, 4, 5, 6]), float32([2, 3], [1, 0, -1, 2, 1, 0])];
  const what = { keep: bool([2, 2], [1, 0, 1, 1]), scale: 1.25 };
  expect(linearWithDropout(ops, weight, x, what)).toEqual(dropout(ops, linear(ops, weight, x), what));
  expect(linearWithDropout(ops, weight, x, undefined)).toEqual(linear(ops, weight, x));
});
