import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketSize, bucketSizes } from './index.js';

describe('bucket sizes', () => {
  it('are as computed by hand', () => {
    expect(bucketSizes({ max: 70, step: 16 })).toEqual([16, 32, 48, 64, 70]);
    expect(bucketSizes({ max: 64, step: 32 })).toEqual([32, 64]);
    // ceil(64 / 1.25) - 1 = 51, ceil(51 / 1.25) - 1 = 40, ...
    expect(bucketSizes({ max: 64, ratio: 1.25 }).slice(-4)).toEqual([31, 40, 51, 64]);
    expect(bucketSize(41, { max: 64, ratio: 1.25 })).toBe(51);
    expect(bucketSize(40, { max: 64, ratio: 1.25 })).toBe(40);
    expect(bucketSize(33, { max: 70, step: 16 })).toBe(48);
  });

  it('are few in the range that matters', () => {
    // 256 tokens at mean lengths from 1.3 to 2.6: 98 to 197 patches.
    expect(bucketSizes({ max: 256 }).filter((size) => size >= 98 && size <= 223)).toEqual([
      110, 124, 140, 158, 178, 201,
    ]);
  });

  it('hold what they are asked for and pad no more than promised', () => {
    const max = fc.integer({ min: 1, max: 1024 });
    fc.assert(
      fc.property(max, fc.nat(), fc.integer({ min: 1, max: 64 }), (largest, seed, step) => {
        const n = 1 + (seed % largest);
        const size = bucketSize(n, { max: largest, step });
        expect(size).toBeGreaterThanOrEqual(n);
        expect(size - n).toBeLessThan(step);
      }),
    );
    fc.assert(
      fc.property(max, fc.nat(), fc.double({ min: 1.01, max: 3, noNaN: true }), (largest, seed, ratio) => {
        const n = 1 + (seed % largest);
        const sizes = bucketSizes({ max: largest, ratio });
        const size = bucketSize(n, { max: largest, ratio });
        expect(sizes.at(-1)).toBe(largest);
        expect(sizes).toContain(size);
        expect(size).toBeGreaterThanOrEqual(n);
        expect(size).toBeLessThanOrEqual(n * ratio * (1 + 1e-12));
      }),
    );
  });

  it('refuse what does not fit', () => {
    expect(() => bucketSize(65, { max: 64 })).toThrow('expected at most 64 patches, got 65');
    expect(() => bucketSizes({ max: 0 })).toThrow("'max'");
    expect(() => bucketSizes({ max: 8, ratio: 1 })).toThrow("'ratio'");
    expect(() => bucketSizes({ max: 8, step: 0 })).toThrow("'step'");
  });
});
