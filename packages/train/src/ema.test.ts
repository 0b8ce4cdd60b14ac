import { float32 } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { copyParameters, updateAverage } from './ema.js';

it('averages parameters with exponentially falling weights', () => {
  const parameters = { a: float32([2], [1, 10]) };
  const average = copyParameters(parameters);
  parameters.a.data.set([2, 20]);
  expect([...(average.a?.data ?? [])]).toEqual([1, 10]); // a copy
  updateAverage(average, parameters, 0.75);
  updateAverage(average, parameters, 0.75);
  // 1 - 0.75^2 of the way
  expect([...(average.a?.data ?? [])]).toEqual([1.4375, 14.375]);
  expect(() => updateAverage(average, {}, 0.5)).toThrow("a parameter 'a' of 2 elements, got none");
});
