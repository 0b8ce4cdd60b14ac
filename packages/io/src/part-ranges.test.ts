import fc from 'fast-check';
import { expect, it } from 'vitest';
import { missingParts, shareOfParts } from './part-ranges.js';

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
        const share = shareOfParts(items, partSize, { index, count });
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
      const range = shareOfParts(items, partSize, { index: count - 1, count });
      const missing = [...missingParts(there, range, partSize)].flatMap(({ start, count }) =>
        Array.from({ length: count }, (_, i) => start + i),
      );
      const expected = Array.from({ length: range.count }, (_, i) => range.start + i).filter((i) => there[i] === 0);
      expect(missing).toEqual(expected);
    }),
  );
});
