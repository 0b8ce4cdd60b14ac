import { createRandom } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { pearsonCorrelation } from './correlation.js';
import { correlateGroups, correlateIndependent } from './correlation-interval.js';

/** Pairs of correlation rho; those of a group share a part of both. */
function pairs(groups: number, size: number, rho: number, shared: number, seed: number) {
  const random = createRandom(seed);
  const [a, b] = [new Float64Array(groups * size), new Float64Array(groups * size)];
  const draw = (): [number, number] => {
    const x = random.normal();
    return [x, rho * x + Math.sqrt(1 - rho * rho) * random.normal()];
  };
  for (let g = 0; g < groups; g++) {
    const common = draw();
    for (let i = g * size; i < (g + 1) * size; i++) {
      const own = draw();
      a[i] = Math.sqrt(shared) * common[0] + Math.sqrt(1 - shared) * own[0];
      b[i] = Math.sqrt(shared) * common[1] + Math.sqrt(1 - shared) * own[1];
    }
  }
  return { a, b };
}

/** Share of seeds whose interval contains rho. */
function coverage(rho: number, intervalOf: (seed: number) => { low: number; high: number }): number {
  const seeds = Array.from({ length: 200 }, (_, i) => intervalOf(i));
  return seeds.filter(({ low, high }) => low <= rho && rho <= high).length / seeds.length;
}

describe('correlateIndependent', () => {
  it("gives a textbook's interval", () => {
    // r = 0.81642 of Anscombe's first set, n = 11: tanh(atanh r -+ 1.95996 / sqrt 8).
    const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
    const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
    const found = correlateIndependent(x, y);
    expect(found).toMatchObject({ correlation: pearsonCorrelation(x, y), level: 0.95, count: 11 });
    expect(found.low).toBeCloseTo(0.4244, 3);
    expect(found.high).toBeCloseTo(0.9507, 3);
  });

  it('contains the true correlation as often as it says', () => {
    const share = coverage(0.54, (seed) => {
      const { a, b } = pairs(60, 1, 0.54, 0, seed);
      return correlateIndependent(a, b, { level: 0.9 });
    });
    expect(share).toBeGreaterThan(0.84);
    expect(share).toBeLessThan(0.96);
  });

  it('refuses what has no interval', () => {
    expect(() => correlateIndependent([1, 2, 3], [1, 2, 4])).toThrow('4 or more pairs, got 3');
    expect(() => correlateIndependent([1, 2, 3, 4], [1, 2, 4, 5], { level: 95 })).toThrow('between 0 and 1, got 95');
    expect(correlateIndependent([1, 2, 3, 4], [1, 2, 3, 4])).toMatchObject({ correlation: 1, low: 1, high: 1 });
    expect(correlateIndependent([1, 1, 1, 1], [1, 2, 3, 4]).low).toBeNaN();
  });
});

describe('correlateGroups', () => {
  it('contains the true correlation as often as it says, where that of independent pairs does not', () => {
    const [groups, size, rho] = [60, 20, 0.6];
    const set = (seed: number) => pairs(groups, size, rho, 0.8, seed);
    const share = coverage(rho, (seed) => {
      const { a, b } = set(seed);
      return correlateGroups(a, b, size, { level: 0.9, resamples: 200 });
    });
    expect(share).toBeGreaterThan(0.82);
    expect(share).toBeLessThan(0.97);
    const naive = coverage(rho, (seed) => {
      const { a, b } = set(seed);
      return correlateIndependent(a, b, { level: 0.9 });
    });
    expect(naive).toBeLessThan(0.6);
  });

  it('is the correlation of all pairs, and the same for the same seed', () => {
    const { a, b } = pairs(12, 7, 0.5, 0.5, 1);
    const found = correlateGroups(a, b, 7);
    expect(found).toMatchObject({ correlation: pearsonCorrelation(a, b), level: 0.95, count: 12 });
    expect(correlateGroups(a, b, 7)).toEqual(found);
    expect(correlateGroups(a, b, 7, { seed: 1 }).low).not.toBe(found.low);
  });

  it('refuses what is no set of groups', () => {
    expect(() => correlateGroups([1, 2, 3], [1, 2, 4], 2)).toThrow('2 or more groups of 2 pairs, got 3 pairs');
    expect(() => correlateGroups([1, 2], [1, 2], 1, { resamples: 1 })).toThrow('2 or more resamples, got 1');
  });
});
