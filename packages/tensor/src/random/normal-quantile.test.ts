import { describe, expect, it } from 'vitest';
import { normalQuantile, normalShareBelow, portableLog } from './normal-quantile.js';

function expectRelative(actual: number, expected: number, tolerance: number) {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(tolerance * Math.abs(expected));
}

describe('portableLog', () => {
  it('agrees with Math.log to the last bits', () => {
    for (let i = 1; i <= 4000; i++) expectRelative(portableLog(i / 4001), Math.log(i / 4001), 5e-16);
    for (let e = -1074; e <= 0; e++) expectRelative(portableLog(2 ** e), Math.log(2 ** e), 5e-16);
  });

  it('is exact at 1 and at powers of two', () => {
    expect(portableLog(1)).toBe(0);
    expect(portableLog(0.25)).toBe(-2 * Math.LN2);
  });
});

describe('normalQuantile', () => {
  // Python 3.11, statistics.NormalDist().inv_cdf
  it.each([
    [0.3, -0.5244005127080407],
    [0.075, -1.4395314709384557],
    [0.05, -1.6448536269514726],
    [0.975, 1.9599639845400536],
    [0.001, -3.090232306167813],
    [1e-9, -5.9978070150076865],
    [2 ** -33, -6.337957754553789],
    [1 - 2 ** -33, 6.337957754553789],
    [0.5 + 2 ** -33, 2.9180993729166234e-10],
  ])('at %d is %d', (p, expected) => expectRelative(normalQuantile(p), expected, 2e-15));

  it('is 0 at one half, antisymmetric and increasing', () => {
    expect(normalQuantile(0.5)).toBe(0);
    let last = Number.NEGATIVE_INFINITY;
    for (let i = 1; i < 4096; i++) {
      const x = normalQuantile(i / 4096);
      expect(x).toBeGreaterThan(last);
      expect(normalQuantile(1 - i / 4096)).toBe(x === 0 ? 0 : -x);
      last = x;
    }
  });
});

// Python 3.11, statistics.NormalDist().cdf
it.each([
  [0.001, 0.49960105778608893],
  [1, 0.15865525393145707],
  [2, 0.02275013194817921],
  [3, 0.0013498980316301035],
])('normalShareBelow %d is %d', (cut, expected) => expectRelative(normalShareBelow(cut), expected, 1e-14));
