import { expect, it } from 'vitest';
import { differenceOf, formatSpread, spreadOf } from './spread.js';

it('takes the mean and the deviation with n - 1', () => {
  // Squares of 2, 4, 9 from their mean, 5: 9 + 1 + 16 = 26; 26 / 2 = 13.
  const spread = spreadOf([2, 4, 9]);
  expect(spread.mean).toBe(5);
  expect(spread.deviation).toBeCloseTo(Math.sqrt(13), 12);
  expect(formatSpread(spread, 2)).toBe('5.00\u00a0±\u00a03.61');
});

it('has no deviation of one value', () => {
  const one = spreadOf([1.5]);
  expect(one.deviation).toBeNaN();
  expect(formatSpread(one, 1)).toBe('1.5');
  expect(differenceOf(one, spreadOf([3]))).toEqual({ mean: 1.5, standardError: Number.NaN, clear: false });
});

it('pairs values by seed, so that what a seed does to both is left out', () => {
  // Differences 1, 1.1, 0.9: mean 1, deviation 0.1, standard error 0.1 / sqrt(3).
  const difference = differenceOf(spreadOf([10, 20, 30]), spreadOf([11, 21.1, 30.9]));
  expect(difference.mean).toBeCloseTo(1, 12);
  expect(difference.standardError).toBeCloseTo(0.1 / Math.sqrt(3), 12);
  expect(difference.clear).toBe(true);
  // The same values in another order: differences 11, -8.9, 0.9.
  expect(differenceOf(spreadOf([10, 30, 20]), spreadOf([21, 21.1, 20.9])).clear).toBe(false);
});
