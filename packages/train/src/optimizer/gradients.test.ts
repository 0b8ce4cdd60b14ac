import { float32, int32 } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { accumulateGradients } from './gradients.js';

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
