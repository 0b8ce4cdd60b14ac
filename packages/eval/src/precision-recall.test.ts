import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Matrix } from './matrix.js';
import { precisionRecall } from './precision-recall.js';
import { gaussian } from './testing/gaussian.js';

/** The definition, in float64 and in no other way. */
function byDefinition(reference: Matrix, samples: Matrix, k: number) {
  const d = reference.columns;
  const squared = (a: Matrix, i: number, b: Matrix, j: number): number => {
    let sum = 0;
    for (let c = 0; c < d; c++) sum += ((a.data[i * d + c] ?? 0) - (b.data[j * d + c] ?? 0)) ** 2;
    return sum;
  };
  const rows = (set: Matrix) => Array.from({ length: set.rows }, (_, i) => i);
  const radii = (set: Matrix) =>
    rows(set).map((i) => {
      const others = rows(set).filter((j) => j !== i);
      return others.map((j) => squared(set, i, set, j)).sort((a, b) => a - b)[k - 1] ?? Number.NaN;
    });
  const share = (of: Matrix, inside: Matrix) => {
    const balls = radii(inside);
    const found = rows(of).filter((i) => balls.some((radius, j) => squared(of, i, inside, j) <= radius));
    return found.length / of.rows;
  };
  return { precision: share(samples, reference), recall: share(reference, samples) };
}

const map = (set: Matrix, change: (value: number, at: number) => number): Matrix => ({
  ...set,
  data: Float64Array.from(set.data, change),
});

describe('precisionRecall', () => {
  it('is that of float64 distances on grids, where most distances are alike', () => {
    const set = (columns: number) =>
      fc
        .array(fc.array(fc.integer({ min: -2, max: 2 }), { minLength: columns, maxLength: columns }), {
          minLength: 6,
          maxLength: 40,
        })
        .map((rows) => ({ data: Float32Array.from(rows.flat()), rows: rows.length, columns }));
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3).chain((columns) => fc.tuple(set(columns), set(columns))),
        fc.integer({ min: 1, max: 5 }),
        ([reference, samples], k) => {
          expect(precisionRecall(reference, samples, { k })).toEqual(byDefinition(reference, samples, k));
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ['Gaussians', (set: Matrix) => set],
    ['features far from 0', (set: Matrix) => map(set, (value) => value + 1e4)],
    [
      'features that float32 cannot tell apart',
      (set: Matrix) => map(set, (value, at) => (at % 6) * 100 + 1e-9 * value),
    ],
    ['tiny features', (set: Matrix) => map(set, (value) => value * 1e-120)],
    ['huge features', (set: Matrix) => map(set, (value) => value * 1e120)],
    ['one far row', (set: Matrix) => map(set, (value, at) => (at < 6 ? 1e12 : value))],
  ])('is that of float64 distances of %s', (_, change) => {
    const [reference, samples] = [change(gaussian(150, 6, 1)), change(gaussian(170, 6, 2))];
    const found = precisionRecall(reference, samples);
    expect(found).toEqual(byDefinition(reference, samples, 3));
    expect(found.precision).toBeGreaterThan(0.3);
    expect(found.precision).toBeLessThan(1);
  });

  it('does not depend on where blocks end', () => {
    const [reference, samples] = [gaussian(530, 3, 3), gaussian(515, 3, 4)];
    expect(precisionRecall(reference, samples)).toEqual(byDefinition(reference, samples, 3));
  });

  it('of a set with itself is 1, and of one collapsed to a point 1 and 0 or 0 and 0', () => {
    const set = gaussian(60, 4, 5);
    expect(precisionRecall(set, set)).toEqual({ precision: 1, recall: 1 });
    const point = (row: number) => map(set, (_, at) => set.data[row * 4 + (at % 4)] ?? 0);
    expect(precisionRecall(set, point(0))).toEqual({ precision: 1, recall: 1 / 60 });
    const far = map(point(0), (value) => value + 100);
    expect(precisionRecall(set, far)).toEqual({ precision: 0, recall: 0 });
  });

  it('refuses too few rows and other k', () => {
    expect(() => precisionRecall(gaussian(3, 2, 1), gaussian(9, 2, 1))).toThrow('expected at least 4 rows');
    expect(() => precisionRecall(gaussian(9, 2, 1), gaussian(9, 2, 1), { k: 0 })).toThrow('whole number >= 1, got 0');
  });
});
