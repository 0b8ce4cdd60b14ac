import { spreadOf } from '@dpar/example-kit';
import { expect, it } from 'vitest';
import { compareOrder } from './order.js';

const variant = (name: string, paper: number, ours: readonly number[]) => ({ name, paper, ours: spreadOf(ours) });

it('confirms the order, and says how sure each step of it is', () => {
  const { agrees, text } = compareOrder('FID', [
    variant('C', 3, [5, 9, 1]),
    variant('A', 1, [1, 2, 3]),
    variant('B', 2, [2, 3.1, 4]),
  ]);
  expect(agrees).toBe(true);
  expect(text).toContain("FID: the paper's order holds (A < B < C).");
  expect(text).toContain('as in the paper: A and B.');
  expect(text).toContain('Within two standard errors: 1 of 2 neighbouring pairs.');
});

it('refutes it where a pair is clearly the other way round', () => {
  const { agrees, text } = compareOrder('FID', [variant('A', 1, [2, 3.1, 4]), variant('B', 2, [1, 2, 3])]);
  expect(agrees).toBe(false);
  expect(text).toContain('the paper has A < B, here it is B < A');
  expect(text).toContain('the other way round: A and B.');
});

it('leaves another order within the spread open', () => {
  const { agrees, covered, text } = compareOrder('FID', [variant('A', 1, [2, 5, 2]), variant('B', 2, [3, 1, 4])]);
  expect([agrees, covered]).toEqual([undefined, true]);
  expect(text).toContain('Within two standard errors: 1 of 1 neighbouring pairs.');
});

it('leaves the order of the paper open where it could be chance', () => {
  const { agrees, text } = compareOrder('FID', [variant('A', 1, [2, 5, 2]), variant('B', 2, [3, 4, 4])]);
  expect(agrees).toBeUndefined();
  expect(text).toContain("the paper's order holds (A < B). Within two standard errors: 1 of 1");
});

it('does not speak of certainty with one seed', () => {
  const { agrees, covered, text } = compareOrder('FID', [variant('A', 1, [2]), variant('B', 2, [3])]);
  expect([agrees, covered]).toEqual([undefined, false]);
  expect(text).toContain('One seed says nothing of the spread.');
  expect(text).not.toContain('standard error');
});
