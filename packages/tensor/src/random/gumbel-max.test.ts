import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from './random.js';

/** The definition, one number at a time. */
function expectedWinner(random: Random, weights: Float32Array): number {
  let [best, winner] = [0, -1];
  weights.forEach((weight, i) => {
    const quotient = weight / -Math.log1p(-(random.word() + 0.5) / 2 ** 32);
    if (quotient > best) [best, winner] = [quotient, i];
  });
  return winner;
}

const streamAt = (position: number): Random => {
  const random = createRandom(2n ** 60n + 17n, 3, 2 ** 40);
  random.position = position;
  return random;
};

/** The kernel looks at 16 weights at a time, and its memory holds 16384. */
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 70 }),
  fc.integer({ min: 16370, max: 16400 }),
  fc.constantFrom(32768, 40001),
);
/** Around 4 * 2^32 the number of a block carries into its upper word. */
const positions = fc.oneof(fc.nat(40), fc.integer({ min: 2 ** 34 - 24, max: 2 ** 34 + 4 }), fc.nat(2 ** 52));

describe('gumbelMax', () => {
  it('is the largest quotient of a weight and an exponential number', () => {
    // Weights from equal ones to some that outweigh all others, rising, falling and in any order; large and small scales.
    const exponents = fc.constantFrom(0, 1, 8, 40);
    const orders = fc.constantFrom('rising', 'falling', 'any');
    const scales = fc.constantFrom(1, 1e-30, 1e30);
    fc.assert(
      fc.property(
        lengths,
        positions,
        exponents,
        orders,
        scales,
        fc.nat(),
        (V, position, exponent, order, scale, seed) => {
          const values = createRandom(seed).fillUniform(new Float32Array(V), { low: 0.001 });
          if (order !== 'any') values.sort();
          if (order === 'falling') values.reverse();
          const weights = values.map((value) => (value < 0.01 ? 0 : scale * value ** exponent));
          if (!weights.some((weight) => weight > 0)) weights[V >> 1] = scale;
          const [random, words] = [streamAt(position), streamAt(position)];
          expect(random.gumbelMax(weights)).toBe(expectedWinner(words, weights));
          expect(random.position).toBe(words.position);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('follows the weights', () => {
    const weights = Float32Array.of(0, 1, 2, 0, 3, 4, 0);
    const random = createRandom(61);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 20000; i++) (counts[random.gumbelMax(weights)] as number)++;
    const chiSquare = [1, 2, 4, 5].reduce((sum, i) => {
      const expected = 2000 * (weights[i] as number);
      return sum + ((counts[i] as number) - expected) ** 2 / expected;
    }, 0);
    expect([counts[0], counts[3], counts[6]]).toEqual([0, 0, 0]);
    // 3 degrees of freedom: exceeded once in a thousand.
    expect(chiSquare).toBeLessThan(16.3);
  });

  it('hardly depends on last bits, however many categories there are', () => {
    const V = 16384;
    const weights = createRandom(5).fillUniform(new Float32Array(V));
    // A sum of all weights before a category moves by as much as half a weight.
    const moved = weights.map((weight, i) => weight * (i < V / 2 ? 1 + 1e-4 : 1 - 1e-4));
    let [differing, sumsDiffering] = [0, 0];
    for (let draw = 0; draw < 1000; draw++) {
      const [one, other] = [weights, moved].map((values) => createRandom(7, draw).gumbelMax(values));
      const [before, after] = [weights, moved].map((values) => createRandom(7, draw).categorical(values));
      if (one !== other) differing++;
      if (before !== after) sumsDiffering++;
    }
    expect(differing).toBeLessThan(2);
    expect(sumsDiffering).toBeGreaterThan(200);
  });

  it('refuses weights that are not finite, and none above 0', () => {
    const random = createRandom(1);
    expect(() => random.gumbelMax(Float32Array.of(1, Number.NaN))).toThrow('got 2 weights of sum NaN');
    expect(() => random.gumbelMax(Float32Array.of(1, Number.POSITIVE_INFINITY))).toThrow(
      'got 2 weights of sum Infinity',
    );
    expect(() => random.gumbelMax(new Float32Array(3))).toThrow('with one above 0, got 3 weights of sum 0');
    expect(() => random.gumbelMax(new Float32Array(0))).toThrow('got 0 weights of sum 0');
    expect(random.position).toBe(0);
  });
});
