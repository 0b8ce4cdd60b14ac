import { expect, it } from 'vitest';
import { spread } from './report.js';

it('spreads what is shown over what there is', () => {
  expect(spread([1, 2, 3], 12)).toEqual([1, 2, 3]);
  expect(
    spread(
      Array.from({ length: 101 }, (_, i) => i),
      5,
    ),
  ).toEqual([0, 25, 50, 75, 100]);
});
