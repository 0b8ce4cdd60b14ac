import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MovingMean, type Point, smooth, thin } from './curve.js';

describe('MovingMean', () => {
  it('weighs value i back with (1 - 1 / window)^i', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1 }),
        fc.integer({ min: 1, max: 30 }),
        (values, window) => {
          const mean = new MovingMean(window);
          for (const value of values) mean.add(value);
          const weights = values.map((_, i) => (1 - 1 / window) ** (values.length - 1 - i));
          const sum = weights.reduce((a, b) => a + b);
          expect(mean.mean).toBeCloseTo(
            values.reduce((total, value, i) => total + value * (weights[i] ?? 0), 0) / sum,
            8,
          );
        },
      ),
    );
  });

  it('leaves out what is not finite', () => {
    const mean = new MovingMean(2);
    expect(mean.add(Number.NaN)).toBeNaN();
    mean.add(4);
    expect(mean.add(Number.POSITIVE_INFINITY)).toBe(4);
    const points: Point[] = [
      [1, 4],
      [2, Number.NaN],
      [3, 4],
    ];
    expect(smooth(points, 5)).toEqual([
      [1, 4],
      [3, 4],
    ]);
  });
});

describe('thin', () => {
  const curves = fc.array(
    fc.oneof(
      { weight: 9, arbitrary: fc.double({ min: -5, max: 5, noNaN: true }) },
      { weight: 1, arbitrary: fc.constant(Number.NaN) },
    ),
    { maxLength: 300 },
  );

  it('keeps ends, extremes and gaps, and few others', () => {
    fc.assert(
      fc.property(curves, fc.integer({ min: 1, max: 20 }), (values, parts) => {
        const points = values.map((y, x): Point => [x, y]);
        const kept = thin(points, parts);
        const finite = (some: readonly Point[]) => some.map(([, y]) => y).filter((y) => Number.isFinite(y));
        expect(
          kept.every((point, i) => points.includes(point) && (i === 0 || point[0] > (kept[i - 1]?.[0] ?? 0))),
        ).toBe(true);
        expect(finite(kept).length).toBeLessThanOrEqual(4 * parts);
        expect([kept[0], kept.at(-1)]).toEqual([points[0], points.at(-1)]);
        expect([Math.min(...finite(kept)), Math.max(...finite(kept))]).toEqual([
          Math.min(...finite(points)),
          Math.max(...finite(points)),
        ]);
        expect(kept.filter(([, y]) => Number.isNaN(y))).toEqual(points.filter(([, y]) => Number.isNaN(y)));
      }),
    );
  });
});
