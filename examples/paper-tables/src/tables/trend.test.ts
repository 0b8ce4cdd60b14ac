import { spreadOf } from '@dpar/example-kit';
import { expect, it } from 'vitest';
import { compareTrend } from './trend.js';

const change = (first: readonly number[], last: readonly number[]) =>
  compareTrend('From 1 to 2', 'IS', [190, 250], [spreadOf(first), spreadOf(last)], 1);

it('compares where figures go', () => {
  expect(change([3, 3.2], [4.5, 4.6])).toEqual({
    agrees: true,
    covered: false,
    text: 'From 1 to 2, IS rises in the paper (190.0 to 250.0) and rises here (3.1 to 4.5).',
  });
  expect(change([4.5, 4.6], [3, 3.2]).agrees).toBe(false);
});

it('leaves open what could be chance', () => {
  const { agrees, covered, text } = change([3, 5], [4, 4.5]);
  expect([agrees, covered]).toEqual([undefined, true]);
  expect(text).toContain('(4.0 to 4.3, within two standard errors)');
  expect(change([3], [4])).toMatchObject({
    agrees: undefined,
    covered: false,
    text: expect.stringContaining('of one seed'),
  });
});
