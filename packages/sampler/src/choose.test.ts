import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseToken, mostLikely } from './choose.js';
import { guidanceAt, guide } from './guidance.js';

const logits = Float32Array.of(1, 3, 2, -1, 3);

/** Shares of tokens over evenly spaced uniform numbers. */
function shares(options: Parameters<typeof chooseToken>[1], draws = 10000): number[] {
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i++) (counts[chooseToken(logits, options, (i + 0.5) / draws)] as number)++;
  return counts.map((count) => count / draws);
}

function softmax(values: readonly number[]): number[] {
  const total = values.reduce((sum, value) => sum + Math.exp(value), 0);
  return values.map((value) => Math.exp(value) / total);
}

describe('chooseToken', () => {
  it('draws with the probabilities of the softmax', () => {
    softmax([1, 3, 2, -1, 3]).forEach((p, token) => {
      expect(shares({})[token]).toBeCloseTo(p, 3);
    });
    softmax([2, 6, 4, -2, 6]).forEach((p, token) => {
      expect(shares({ temperature: 0.5 })[token]).toBeCloseTo(p, 3);
    });
  });

  it('keeps the k most likely tokens only', () => {
    const [a, b, c] = softmax([3, 3, 2]) as [number, number, number];
    [0, a, c, 0, b].forEach((p, token) => {
      expect(shares({ topK: 3 })[token]).toBeCloseTo(p, 3);
    });
    expect(shares({ topK: 1 })).toEqual([0, 1, 0, 0, 0]);
  });

  it('keeps the fewest tokens that reach the probability p', () => {
    // Probabilities: 0.40, 0.40, 0.15, 0.05, 0.01
    expect(shares({ topP: 0.3 })).toEqual([0, 1, 0, 0, 0]);
    expect(shares({ topP: 0.6 }).map((share) => share > 0)).toEqual([false, true, false, false, true]);
    expect(shares({ topP: 0.9 }).map((share) => share > 0)).toEqual([false, true, true, false, true]);
  });

  it('is greedy on request, with the first of equal logits', () => {
    expect(chooseToken(logits, { greedy: true }, 0.99)).toBe(1);
    expect(mostLikely(Float32Array.of(-5, -3, -3))).toBe(1);
  });

  it.each([false, true])('refuses logits of broken weights, greedy %s', (greedy) => {
    const row = (value: number) => Float32Array.of(1, value, 2);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => chooseToken(row(value), { greedy }, 0.5)).toThrow(`expected finite logits, got ${value}`);
    }
    expect(() => chooseToken(new Float32Array(3).fill(Number.NEGATIVE_INFINITY), { greedy }, 0.5)).toThrow('-Infinity');
    expect(chooseToken(row(Number.NEGATIVE_INFINITY), { greedy }, 0.99)).toBe(2);
  });

  it('never draws a token that was excluded, and always draws one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -200, max: 200 }), { minLength: 1, maxLength: 40 }),
        fc.nat(40),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 0.999999, noNaN: true }),
        (values, topK, topP, uniform) => {
          const row = Float32Array.from(values, (value) => value / 8);
          const token = chooseToken(row, { topK, topP }, uniform);
          const better = row.filter((value) => value > (row[token] as number)).length;
          expect(token).toBeGreaterThanOrEqual(0);
          if (topK > 0) expect(better).toBeLessThan(topK);
        },
      ),
    );
  });
});

describe('guide', () => {
  it('moves from the null logits past the conditional ones', () => {
    const rows = Float32Array.of(1, 2, 3, 4, 0, 1, 1, 1); // 2 images, 2 codes; then their null rows
    expect(Array.from(guide(rows.slice(), 2, 2, 2))).toEqual([2, 3, 5, 7]);
    expect(Array.from(guide(rows.slice(), 2, 2, 0))).toEqual([0, 1, 1, 1]);
    expect(Array.from(guide(Float32Array.of(1, 2), 1, 2, 3))).toEqual([1, 2]);
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
