import { createRandom } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseToken, mostLikely } from './choose.js';
import { guidanceAt } from './guidance.js';

const probabilities = Float32Array.from(softmax([1, 3, 2, -1, 3]));

/** Shares of tokens among draws: within 0.015 of their probabilities (3 standard deviations). */
function shares(options: Parameters<typeof chooseToken>[1], draws = 10000): number[] {
  const counts = new Array<number>(probabilities.length).fill(0);
  const random = createRandom(11);
  for (let i = 0; i < draws; i++) (counts[chooseToken(probabilities.slice(), options, random)] as number)++;
  return counts.map((count) => count / draws);
}

/** Expects shares within 0.015 of others. */
function expectShares(actual: readonly number[], expected: readonly number[]): void {
  expected.forEach((p, token) => {
    expect(Math.abs((actual[token] as number) - p), `token ${token}`).toBeLessThan(p === 0 ? 1e-9 : 0.015);
  });
}

function softmax(values: readonly number[]): number[] {
  const total = values.reduce((sum, value) => sum + Math.exp(value), 0);
  return values.map((value) => Math.exp(value) / total);
}

describe('chooseToken', () => {
  it('draws with the probabilities of the softmax', () => {
    expectShares(shares({}), softmax([1, 3, 2, -1, 3]));
  });

  it('keeps the k most likely tokens only', () => {
    const [a, b, c] = softmax([3, 3, 2]) as [number, number, number];
    expectShares(shares({ topK: 3 }), [0, a, c, 0, b]);
    expect(shares({ topK: 1 })).toEqual([0, 1, 0, 0, 0]);
  });

  it('keeps the fewest tokens that reach the probability p', () => {
    // Probabilities: 0.40, 0.40, 0.15, 0.05, 0.01
    expect(shares({ topP: 0.3 })).toEqual([0, 1, 0, 0, 0]);
    expect(shares({ topP: 0.6 }).map((share) => share > 0)).toEqual([false, true, false, false, true]);
    expect(shares({ topP: 0.9 }).map((share) => share > 0)).toEqual([false, true, true, false, true]);
  });

  it('finds the most likely, the first of equal logits', () => {
    expect(mostLikely(Float32Array.of(-5, -3, -3))).toBe(1);
    expect(mostLikely([-5, -3, -3])).toBe(1);
  });

  it('refuses what broken weights give', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => mostLikely(Float32Array.of(1, value, 2))).toThrow(`expected finite logits, got ${value}`);
    }
    expect(() => mostLikely(new Float32Array(3).fill(Number.NEGATIVE_INFINITY))).toThrow('-Infinity');
    expect(mostLikely(Float32Array.of(1, Number.NEGATIVE_INFINITY, 2))).toBe(2);
    expect(() => chooseToken(Float32Array.of(0.5, Number.NaN, 0.5), {}, createRandom(1))).toThrow(
      'expected finite logits',
    );
  });

  it('never draws a token that was excluded, and always draws one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 1, maxLength: 300 }).filter((values) => values.some((value) => value > 0)),
        fc.nat(40),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.nat(),
        (values, topK, topP, seed) => {
          const total = values.reduce((sum, value) => sum + value, 0);
          const row = Float32Array.from(values, (value) => value / total);
          const token = chooseToken(row.slice(), { topK, topP }, createRandom(seed));
          expect(row[token]).toBeGreaterThan(0);
          // Tokens that come before it: more likely, or as likely with a smaller number.
          const before = row.filter(
            (value, i) => value > (row[token] as number) || (value === row[token] && i < token),
          );
          if (topK > 0) expect(before.length).toBeLessThan(topK);
          const most = [...row].sort((a, b) => b - a).slice(0, topK > 0 ? topK : row.length);
          const kept = most.reduce((sum, value) => sum + value, 0);
          expect(before.reduce((sum, value) => sum + value, 0)).toBeLessThan(topP * kept + 1e-6);
        },
      ),
    );
  });
});

describe('guidanceAt', () => {
  it('follows the schedule inside the interval', () => {
    const at = (options: Parameters<typeof guidanceAt>[0]) => [0, 5, 10].map((i) => guidanceAt(options, i, 11));
    expect(at({ guidanceScale: 3 })).toEqual([3, 3, 3]);
    expect(at({ guidanceScale: 3, guidanceSchedule: 'linear' })).toEqual([1, 2, 3]);
    expect(at({ guidanceScale: 3, guidanceSchedule: 'cosine' })[1]).toBeCloseTo(2, 12);
    expect(at({ guidanceScale: 3, guidanceInterval: [1, 10] })).toEqual([1, 3, 1]);
  });
});
