import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lengthsFromIds, lengthsFromSpans, lengthsFromStarts, patchIds, patchSpans, tokenCount } from './index.js';
import { lengths, sum } from './testing/arbitraries.js';

describe('ids and spans', () => {
  it('are as written by hand, padding included', () => {
    expect([...patchIds([1, 3, 2, 0])]).toEqual([0, 1, 1, 1, 2, 2]);
    const { starts, ends } = patchSpans([1, 3, 2, 0]);
    expect([...starts]).toEqual([0, 1, 4, 6]);
    expect([...ends]).toEqual([0, 3, 5, 5]);
  });

  it('turn back into the lengths', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 0, max: 3 }), (image, padding) => {
        const padded = [...image, ...new Array<number>(padding).fill(0)];
        expect([...lengthsFromIds(patchIds(padded))]).toEqual(image);
        expect([...lengthsFromSpans(patchSpans(padded))]).toEqual(padded);
        const starts = image.flatMap((length) => [1, ...new Array<number>(length - 1).fill(0)]);
        expect([...lengthsFromStarts(starts)]).toEqual(image);
        expect(tokenCount(padded)).toBe(sum(image));
      }),
    );
  });

  it('agree with each other', () => {
    fc.assert(
      fc.property(lengths, (image) => {
        const { starts, ends } = patchSpans(image);
        patchIds(image).forEach((patch, token) => {
          expect(token).toBeGreaterThanOrEqual(starts[patch] ?? Infinity);
          expect(token).toBeLessThanOrEqual(ends[patch] ?? -1);
        });
      }),
    );
  });

  it('may be plain arrays', () => {
    expect(lengthsFromSpans({ starts: [0, 2], ends: [1, 2] })).toEqual(Int32Array.of(2, 1));
    expect(lengthsFromStarts([true, true, false])).toEqual(Int32Array.of(1, 2));
  });

  it('refuse what is no patching', () => {
    expect(() => patchIds([1, 0, 2])).toThrow('got 2 at patch 2');
    expect(() => patchIds([1, -1])).toThrow('got -1 at patch 1');
    expect(() => patchSpans([1.5])).toThrow('got 1.5 at patch 0');
    expect(() => lengthsFromIds([1, 1])).toThrow('got 1 at token 0');
    expect(() => lengthsFromIds([0, 2])).toThrow('got 2 at token 1');
    expect(() => lengthsFromIds([0, 1, 0])).toThrow('got 0 at token 2');
    expect(() => lengthsFromSpans({ starts: Int32Array.of(0, 2), ends: Int32Array.of(0, 3) })).toThrow(
      'expected patch 1 to start at token 1, got 2',
    );
    expect(() => lengthsFromStarts([0, 1])).toThrow('expected the first token to start a patch, got 0');
    expect([...lengthsFromIds([])]).toEqual([]);
    expect([...lengthsFromStarts([])]).toEqual([]);
  });
});
