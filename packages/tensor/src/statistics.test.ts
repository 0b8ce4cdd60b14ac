import { expect, it } from 'vitest';
import { quantiles } from './statistics.js';

it('is linear between the numbers in order', () => {
  // As numpy.quantile([3, 1, 4, 1, 5], [0, 0.25, 0.3, 0.5, 0.9, 1]).
  const expected = [1, 1, 1.4, 3, 4.6, 5];
  quantiles([3, 1, 4, 1, 5], [0, 0.25, 0.3, 0.5, 0.9, 1]).forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 12);
  });
  expect(quantiles(Float32Array.of(7), [0, 0.5, 1])).toEqual([7, 7, 7]);
  expect(() => quantiles([], [0.5])).toThrow('expected numbers, got none');
  expect(() => quantiles([1], [1.5])).toThrow('expected shares from 0 to 1, got 1.5');
});
