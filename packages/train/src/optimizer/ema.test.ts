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
  expect(() => updateAverage(average, {}, 0.5)).toThrow("a float32 tensor for 'a', got none");
  const more = { a: parameters.a, b: float32([1]) };
  expect(() => updateAverage(more, { a: float32([2]), b: float32([2]) }, 0.5)).toThrow("1 elements for 'b', got 2");
  expect(() => updateAverage(average, parameters, -1)).toThrow('a decay of the average from 0 to 1, got -1');
  expect([...parameters.a.data]).toEqual([2, 20]);
});
