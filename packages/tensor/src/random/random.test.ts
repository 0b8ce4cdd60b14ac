import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { categorical, categoricalOfLogits } from './categorical.js';
import { createRandom } from './random.js';

function draw<X>(count: number, f: () => X): X[] {
  return Array.from({ length: count }, f);
}

/** Sum of (observed - expected)^2 / expected. */
function chiSquare(counts: readonly number[], shares: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.reduce((sum, count, i) => sum + (count - total * shares[i]!) ** 2 / (total * shares[i]!), 0);
}

function tally(values: Iterable<number>, categories: number): number[] {
  const counts = new Array<number>(categories).fill(0);
  for (const value of values) counts[value]!++;
  return counts;
}

function mean(values: readonly number[], power = 1): number {
  return values.reduce((sum, value) => sum + value ** power, 0) / values.length;
}

const even = (n: number) => new Array<number>(n).fill(1 / n);

/** 0.1 % and 99.9 % quantiles of the chi-square distribution with 15 and with 23 degrees of freedom. */
const fifteen = [3.48, 37.7] as const;
const twentyThree = [7.53, 49.73] as const;

function expectBetween(value: number, [low, high]: readonly [number, number]) {
  expect(value).toBeGreaterThan(low);
  expect(value).toBeLessThan(high);
}

describe('streams', () => {
  it('start with the Philox blocks of the seed', () => {
    const random = createRandom(0n);
    expect(draw(4, () => random.word())).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  });

  it('are the same for the same seed and ids, in every version', () => {
    // Computed by another implementation of Philox (in Python, with whole numbers of any size).
    const random = createRandom(1234, 5, 6);
    expect(draw(3, () => random.word())).toEqual([3340617468, 2894276557, 755867638]);
    expect(random.normal()).toBeCloseTo(-1.2460190553710067, 14);
    expect(createRandom(2n ** 63n + 1n, 2 ** 52 + 3).word()).toBe(390138517);
    expect(createRandom(1234n, 5, 6).word()).toBe(3340617468);
  });

  it('continue at any position as if drawn one after the other', () => {
    const all = createRandom(7, 1);
    const words = draw(100, () => all.word());
    fc.assert(
      fc.property(fc.array(fc.nat(99), { minLength: 1, maxLength: 20 }), (positions) => {
        const random = createRandom(7, 1);
        for (const position of positions) {
          random.position = position;
          expect(random.word()).toBe(words[position]);
          expect(random.position).toBe(position + 1);
        }
      }),
    );
  });

  it('reach positions beyond 2^34, where the number of the block takes two words', () => {
    const random = createRandom(7);
    random.position = 3 * 2 ** 34 + 20;
    expect(draw(4, () => random.word())).toEqual([3807716877, 1569385298, 2087754900, 2162339348]);
  });

  it('resume by position after values of every kind', () => {
    const random = createRandom(3);
    const step = (r: typeof random) => [r.normal(), r.integer(1000), r.uniform(), r.truncatedNormal(2)];
    step(random);
    const resumed = createRandom(3);
    resumed.position = random.position;
    expect(step(resumed)).toEqual(step(random));
  });

  it('fork into the streams that ids name', () => {
    const parent = createRandom(9, 2);
    parent.word();
    expect(parent.fork(4).word()).toBe(createRandom(9, 2, 4).word());
    expect(parent.position).toBe(1);
  });

  it('differ for every seed, id, order of ids and depth', () => {
    const firsts = new Set<number>();
    for (let i = 0; i < 100; i++) {
      firsts.add(createRandom(i).word());
      firsts.add(createRandom(i, 1).word());
      firsts.add(createRandom(1000, i).word());
      firsts.add(createRandom(1000, 2 ** 32 + i).word());
      firsts.add(createRandom(1000, i, i + 1).word());
      firsts.add(createRandom(1000, i + 1, i).word());
    }
    // Seed 1000 with id 1 appears in none of the other rows, so all 600 differ (a chance match has odds of 1 to 24000).
    expect(firsts.size).toBe(600);
  });

  it('of neighbouring seeds and ids are uncorrelated', () => {
    const count = 20000;
    const streams = [createRandom(1), createRandom(2), createRandom(1, 0), createRandom(1, 1), createRandom(1, 2)];
    const values = streams.map((random) => draw(count, () => random.normal()));
    for (let a = 0; a < values.length; a++) {
      for (let b = 0; b < a; b++) {
        const correlation = values[a]!.reduce((sum, x, i) => sum + x * values[b]![i]!, 0) / count;
        expect(Math.abs(correlation)).toBeLessThan(3.5 / Math.sqrt(count));
      }
    }
  });

  it('reject seeds, ids and positions that are no whole numbers in range', () => {
    expect(() => createRandom(-1)).toThrow(
      'createRandom: expected the seed to be a whole number from 0 to 2^53 - 1, got -1. Pass such a number.',
    );
    expect(() => createRandom(0.5)).toThrow('the seed');
    expect(() => createRandom('7' as unknown as number)).toThrow('the seed');
    expect(() => createRandom(2n ** 64n)).toThrow('a seed from 0 to 2^64 - 1, got 18446744073709551616');
    expect(() => createRandom(-1n)).toThrow('a seed from 0 to 2^64 - 1');
    expect(() => createRandom(1, 1.5)).toThrow('a stream id');
    expect(() => {
      createRandom(1).position = -1;
    }).toThrow('the position');
  });
});

describe('uniform', () => {
  it('is even over 16 bins, for numbers and for pairs of neighbours', () => {
    const random = createRandom(11);
    const values = draw(32000, () => random.uniform());
    expectBetween(
      chiSquare(
        tally(
          values.map((x) => Math.floor(x * 16)),
          16,
        ),
        even(16),
      ),
      fifteen,
    );
    const pairs = values.slice(1).map((x, i) => Math.floor(x * 4) * 4 + Math.floor(values[i]! * 4));
    expectBetween(
      chiSquare(
        tally(
          pairs.filter((_, i) => i % 2 === 0),
          16,
        ),
        even(16),
      ),
      fifteen,
    );
    expect(mean(values)).toBeCloseTo(0.5, 2);
  });

  it('is in [0, 1) and exact in float32', () => {
    const random = createRandom(12);
    for (const x of draw(1000, () => random.uniform())) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThan(1);
      expect(Math.fround(x)).toBe(x);
    }
  });

  it('fills a range', () => {
    const data = createRandom(13).fillUniform(new Float32Array(10000), { low: -2, high: 6 });
    expect(Math.min(...data)).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...data)).toBeLessThanOrEqual(6);
    expect(mean([...data])).toBeCloseTo(2, 0);
    const random = createRandom(13);
    expect([...data.subarray(0, 5)]).toEqual(draw(5, () => Math.fround(-2 + 8 * random.uniform())));
  });
});

describe('normal', () => {
  const random = createRandom(21);
  const values = draw(50000, () => random.normal());

  it('has the moments 0, 1, 0, 3', () => {
    expect(Math.abs(mean(values))).toBeLessThan(4 / Math.sqrt(50000));
    expect(Math.abs(mean(values, 2) - 1)).toBeLessThan(4 * Math.sqrt(2 / 50000));
    expect(Math.abs(mean(values, 3))).toBeLessThan(4 * Math.sqrt(15 / 50000));
    expect(Math.abs(mean(values, 4) - 3)).toBeLessThan(4 * Math.sqrt(96 / 50000));
  });

  it('has the share of each half standard deviation', () => {
    // Shares of (-inf, -1.5], (-1.5, -1], ..., (1.5, inf) from the error function's tables
    const half = [0.0668072, 0.0918481, 0.1498823, 0.1914625];
    const bins = values.map((x) => Math.min(7, Math.max(0, Math.floor(x * 2) + 4)));
    // 7 degrees of freedom: 0.1 % and 99.9 %
    expectBetween(chiSquare(tally(bins, 8), [...half, ...half.toReversed()]), [0.6, 24.3]);
  });

  it('fills with mean and standard deviation, one word each', () => {
    const filling = createRandom(21);
    const data = filling.fillNormal(new Float32Array(100), { mean: 3, std: 0.02 });
    expect([...data]).toEqual(values.slice(0, 100).map((x) => Math.fround(3 + 0.02 * x)));
    expect(filling.position).toBe(100);
  });
});

describe('truncatedNormal', () => {
  it('stays within the cut and has the variance of the cut distribution', () => {
    const data = [...createRandom(31).fillTruncatedNormal(new Float32Array(50000), { cut: 2 })];
    expect(Math.max(...data)).toBeLessThanOrEqual(2);
    expect(Math.min(...data)).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...data)).toBeGreaterThan(1.99);
    expect(Math.abs(mean(data))).toBeLessThan(4 * Math.sqrt(0.774 / 50000));
    // 1 - 2 c phi(c) / (2 Phi(c) - 1) = 0.7737413 for c = 2
    expect(Math.abs(mean(data, 2) - 0.7737413)).toBeLessThan(4 * Math.sqrt(0.81 / 50000));
  });

  it('is uniform in the limit of a narrow cut and normal in that of a wide one', () => {
    const narrow = createRandom(32).fillTruncatedNormal(new Float32Array(16000), { std: 100, cut: 0.01 });
    const bins = Array.from(narrow, (x) => Math.min(15, Math.floor((x + 1) * 8)));
    expectBetween(chiSquare(tally(bins, 16), even(16)), fifteen);
    const [a, b] = [createRandom(33), createRandom(33)];
    for (let i = 0; i < 100; i++) expect(a.truncatedNormal(20)).toBeCloseTo(b.normal(), 12);
  });

  it('rejects a cut of 0', () => {
    expect(() => createRandom(1).truncatedNormal(0)).toThrow('expected a cut above 0 standard deviations, got 0');
  });
});

describe('integer', () => {
  it('is even, also for limits that do not divide 2^32', () => {
    const random = createRandom(41);
    expectBetween(
      chiSquare(
        tally(
          draw(24000, () => random.integer(24)),
          24,
        ),
        even(24),
      ),
      twentyThree,
    );
    // Of 3 * 2^30 the first third would come twice as often without rejection.
    const thirds = tally(
      draw(30000, () => Math.floor(random.integer(3 * 2 ** 30) / 2 ** 30)),
      3,
    );
    expect(chiSquare(thirds, even(3))).toBeLessThan(13.8);
  });

  it('takes limits from 1 to 2^32', () => {
    const random = createRandom(42);
    expect(random.integer(1)).toBe(0);
    expect(random.integer(2 ** 32)).toBeLessThan(2 ** 32);
    for (const limit of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) {
      expect(() => random.integer(limit)).toThrow(`from 1 to 2^32 as the limit, got ${limit}`);
    }
  });
});

describe('permutation', () => {
  it('holds each number once', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(200), (seed, length) => {
        const sorted = createRandom(seed).permutation(length).sort();
        expect([...sorted]).toEqual(draw(length, () => 0).map((_, i) => i));
      }),
    );
  });

  it('has every order of four equally often', () => {
    const random = createRandom(51);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24000; i++) {
      const order = random.permutation(4).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expectBetween(chiSquare([...counts.values()], even(24)), twentyThree);
  });
});

describe('categorical', () => {
  it('follows the weights', () => {
    const weights = [0, 1, 2, 0, 3, 4, 0];
    const random = createRandom(61);
    const counts = tally(
      draw(20000, () => random.categorical(weights)),
      7,
    );
    expect([counts[0], counts[3], counts[6]]).toEqual([0, 0, 0]);
    // 3 degrees of freedom
    expect(chiSquare([counts[1]!, counts[2]!, counts[4]!, counts[5]!], [0.1, 0.2, 0.3, 0.4])).toBeLessThan(16.3);
  });

  it('is decided by the uniform number alone', () => {
    const weights = [1, 0, 2, 1];
    expect([0, 0.2499, 0.25, 0.7499, 0.75, 0.9999].map((u) => categorical(weights, u))).toEqual([0, 0, 2, 2, 3, 3]);
    expect(categorical([0, 0.1, 0.2, 0], 1 - 2 ** -53)).toBe(2);
    expect(categorical([0, 1], 0)).toBe(1);
  });

  it('takes logits, shifted by any constant, -Infinity for never', () => {
    const weights = [1, 0, 2, 1];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99 }), fc.integer({ min: -500, max: 500 }), (percent, shift) => {
        const logits = weights.map((weight) => Math.log(weight) + shift);
        const u = (percent + 0.5) / 100;
        expect(categoricalOfLogits(logits, u)).toBe(categorical(weights, u));
      }),
    );
  });

  it('rejects weights that are no weights', () => {
    expect(() => categorical([1, -1], 0.5)).toThrow('expected weights that are finite and >= 0, got -1 at place 1');
    expect(() => categorical([1, Number.NaN], 0.5)).toThrow('got NaN at place 1');
    expect(() => categorical([0, 0], 0.5)).toThrow('expected a weight above 0, got 2 weights of 0');
    expect(() => categoricalOfLogits([Number.NEGATIVE_INFINITY], 0.5)).toThrow('categorical: expected');
  });
});
