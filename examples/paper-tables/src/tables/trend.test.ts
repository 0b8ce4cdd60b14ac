import { expect, it } from 'vitest';
import { compareTrend } from './trend.js';

it('compares where figures go', () => {
  const rise = compareTrend('From 1 to 2', 'IS', [190, 250], [3, 4.5], 1);
  expect(rise).toEqual({
    agrees: true,
    text: 'From 1 to 2, IS rises in the paper (190.0 to 250.0) and rises here (3.0 to 4.5).',
  });
  expect(compareTrend('From 1 to 2', 'FID', [5, 4], [3, 4], 0).agrees).toBe(false);
  expect(compareTrend('From 1 to 2', 'recall', [0.5, 0.5], [0.4, 0.4], 1).agrees).toBe(true);
});
