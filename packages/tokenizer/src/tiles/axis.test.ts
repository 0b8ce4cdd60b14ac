import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blendWeights, tileSpans } from './axis.js';

const axes = fc
  .record({ size: fc.integer({ min: 4, max: 20 }), length: fc.integer({ min: 1, max: 90 }) })
  .chain(({ size, length }) =>
    fc.record({
      size: fc.constant(size),
      length: fc.constant(length),
      overlap: fc.integer({ min: 0, max: Math.floor(size / 2) }),
    }),
  );

describe('tiles along an axis', () => {
  it('cover it with the overlap that is asked for', () => {
    fc.assert(
      fc.property(axes, ({ length, size, overlap }) => {
        const spans = tileSpans(length, size, overlap);
        expect(spans[0]?.start).toBe(0);
        expect((spans.at(-1)?.start ?? 0) + (spans.at(-1)?.size ?? 0)).toBe(length);
        expect(spans.length).toBeLessThanOrEqual(1 + Math.ceil(Math.max(0, length - size) / (size - overlap)));
        spans.slice(1).forEach(({ start }, i) => {
          expect((spans[i]?.start ?? 0) + size - start).toBeGreaterThanOrEqual(overlap);
          expect(start).toBeGreaterThan(spans[i]?.start ?? 0);
        });
      }),
    );
  });

  it('have weights that add up to 1, and 0 in their margins', () => {
    fc.assert(
      fc.property(axes, fc.integer({ min: 1, max: 4 }), ({ length, size, overlap }, factor) => {
        const margin = Math.floor(overlap / 2);
        const spans = tileSpans(length, size, overlap);
        const sums = new Float64Array(length * factor);
        blendWeights(spans, factor, margin).forEach((weights, i) => {
          const { start = 0 } = spans[i] ?? {};
          expect(weights).toHaveLength((spans[i]?.size ?? 0) * factor);
          weights.forEach((weight, point) => {
            sums[start * factor + point] = (sums[start * factor + point] ?? 0) + weight;
            if (i > 0 && point < margin * factor) expect(weight).toBe(0);
          });
        });
        for (const sum of sums) expect(sum).toBeCloseTo(1, 6);
      }),
    );
  });

  it('grow linearly', () => {
    const [left, right] = blendWeights(tileSpans(14, 8, 2), 2, 0);
    expect([...(left ?? [])]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.875, 0.625, 0.375, 0.125]);
    expect([...(right ?? [])].slice(0, 5)).toEqual([0.125, 0.375, 0.625, 0.875, 1]);
  });
});
