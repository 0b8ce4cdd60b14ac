import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countThere, missingRuns, partsOf, shareOf } from './ranges.js';

const sizes = fc.record({
  items: fc.integer({ min: 1, max: 200 }),
  partSize: fc.integer({ min: 1, max: 40 }),
  count: fc.integer({ min: 1, max: 12 }),
});

it('shares are whole parts that hold each item once', () => {
  fc.assert(
    fc.property(sizes, ({ items, partSize, count }) => {
      let next = 0;
      for (let index = 0; index < count; index++) {
        const share = shareOf(items, { index, count }, partSize);
        if (share.count > 0) expect(share.start).toBe(next);
        expect(next % partSize === 0 || next === items).toBe(true);
        next += share.count;
      }
      expect(next).toBe(items);
    }),
  );
});

it('names all parts that are missing, and no other', () => {
  fc.assert(
    fc.property(sizes, fc.infiniteStream(fc.boolean()), ({ items, partSize, count }, kept) => {
      const there = new Uint8Array(items);
      for (let start = 0; start < items; start += partSize) {
        if (kept.next().value) there.fill(1, start, start + partSize);
      }
      const range = shareOf(items, { index: count - 1, count }, partSize);
      const parts = missingRuns(there, range).flatMap((run) => partsOf(run, partSize));
      for (const { start } of parts) expect(start % partSize).toBe(0);
      const missing = parts.flatMap(({ start, count }) => Array.from({ length: count }, (_, i) => start + i));
      const expected = Array.from({ length: range.count }, (_, i) => range.start + i).filter((i) => there[i] === 0);
      expect(missing).toEqual(expected);
      expect(missing.length + countThere(there, range)).toBe(range.count);
    }),
  );
});

it('cuts neighbours that are missing into parts', () => {
  const there = Uint8Array.of(1, 0, 0, 0, 1, 1, 0);
  expect(missingRuns(there, { start: 0, count: 7 }).flatMap((run) => partsOf(run, 2))).toEqual([
    { start: 1, count: 2 },
    { start: 3, count: 1 },
    { start: 6, count: 1 },
  ]);
  expect(countThere(there)).toBe(3);
});

it('makes each missing item once, and none that is there', () => {
  for (let mask = 0; mask < 256; mask++) {
    const there = Uint8Array.from({ length: 8 }, (_, i) => (mask >> i) & 1);
    const parts = missingRuns(there, { start: 0, count: 8 }).flatMap((run) => partsOf(run, 3));
    const made = parts.flatMap(({ start, count }) => {
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThanOrEqual(3);
      return Array.from({ length: count }, (_, i) => start + i);
    });
    expect(made).toEqual([...there.keys()].filter((i) => there[i] === 0));
  }
});
