import { expect, it } from 'vitest';
import { median } from './curve.js';

it('is the middle value, or the mean of the two middle ones', () => {
  const values = [3, 1, 20];
  expect(median(values)).toBe(3);
  expect(values).toEqual([3, 1, 20]);
  expect(median([4, 1, 30, 2])).toBe(3);
  expect(median([5])).toBe(5);
  expect(median([])).toBeNaN();
});
