import { expect, it } from 'vitest';
import { countThere, missingBatches } from './batches.js';

it('makes batches of neighbours that are missing', () => {
  const there = Uint8Array.of(1, 0, 0, 0, 1, 1, 0);
  expect(missingBatches(there, 2)).toEqual([
    { start: 1, count: 2 },
    { start: 3, count: 1 },
    { start: 6, count: 1 },
  ]);
  expect(countThere(there)).toBe(3);
});

it('makes each missing image once, and none that is there', () => {
  for (let mask = 0; mask < 256; mask++) {
    const there = Uint8Array.from({ length: 8 }, (_, i) => (mask >> i) & 1);
    const made = missingBatches(there, 3).flatMap(({ start, count }) => {
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThanOrEqual(3);
      return Array.from({ length: count }, (_, i) => start + i);
    });
    expect(made).toEqual([...there.keys()].filter((i) => there[i] === 0));
  }
});
