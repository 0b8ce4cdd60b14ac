import { float32, int32 } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { accumulateGradients, copyParameters, updateAverage } from './named-tensors.js';

it('makes the mean of equal parts', () => {
  const sum = { a: float32([2]), b: float32([1, 1]) };
  accumulateGradients(sum, { a: float32([2], [1, 2]), b: float32([1, 1], [8]) }, 0.5);
  accumulateGradients(sum, { a: float32([2], [3, -2]), b: float32([1, 1], [4]) }, 0.5);
  expect([...sum.a.data, ...sum.b.data]).toEqual([2, 0, 6]);
  accumulateGradients(sum, sum);
  expect([...sum.a.data, ...sum.b.data]).toEqual([4, 0, 12]);
});

it('names what does not fit, and changes nothing then', () => {
  const sum = { a: float32([1], [1]), b: float32([2]) };
  const gradient = float32([1], [1]);
  expect(() => accumulateGradients(sum, { a: gradient })).toThrow("a float32 tensor for 'b', got none");
  expect(() => accumulateGradients(sum, { a: gradient, b: gradient })).toThrow(
    "a gradient of 2 elements for 'b', got 1",
  );
  expect(() => accumulateGradients(sum, { a: gradient, b: int32([2]) })).toThrow("float32 tensor for 'b', got int32");
  expect([...sum.a.data]).toEqual([1]);
});

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
