import { describe, expect, it } from 'vitest';
import { pearsonCorrelation } from './correlation.js';

describe('pearsonCorrelation', () => {
  it('gives known values', () => {
    // Anscombe's quartet, first set: 0.81642
    const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
    const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
    expect(pearsonCorrelation(x, y)).toBeCloseTo(0.81642, 5);
    expect(pearsonCorrelation([1, 2, 3], [-2, -4, -6])).toBeCloseTo(-1, 12);
    expect(pearsonCorrelation([1, 2, 1, 2], [1, 1, 2, 2])).toBe(0);
  });

  it('does not depend on scale and shift, also far from zero', () => {
    const a = Array.from({ length: 100 }, (_, i) => Math.sin(i));
    const b = Array.from({ length: 100 }, (_, i) => Math.sin(i) + Math.cos(3 * i));
    const far = b.map((value) => 1e6 + 1e-2 * value);
    expect(pearsonCorrelation(a, far)).toBeCloseTo(pearsonCorrelation(a, b), 6);
  });

  it('has no value for constants and refuses unequal lengths', () => {
    expect(pearsonCorrelation([1, 1], [1, 2])).toBeNaN();
    expect(() => pearsonCorrelation([1, 2], [1])).toThrow('one length, got 2 and 1 numbers');
  });
});
