import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from './random.js';

/** Mask as documented, one word at a time. */
function expectedMask(random: Random, length: number, keep: number): number[] {
  const kept = Math.round(keep * 65536);
  const mask: number[] = [];
  while (mask.length < length) {
    const word = random.word();
    for (const bits of [word & 0xffff, word >>> 16]) if (mask.length < length) mask.push(bits < kept ? 1 : 0);
  }
  return mask;
}

const streamAt = (position: number): Random => {
  const random = createRandom(2n ** 60n + 17n, 3, 2 ** 40);
  random.position = position;
  return random;
};

/** The kernel works on 32 elements at a time, and its memory holds 8192. */
const lengths = fc.oneof(fc.nat(70), fc.integer({ min: 8160, max: 8230 }), fc.constantFrom(16384, 20001));
/** Around 4 * 2^32 the number of a block carries into its upper word, in each lane. */
const positions = fc.oneof(fc.nat(40), fc.integer({ min: 2 ** 34 - 24, max: 2 ** 34 + 4 }), fc.nat(2 ** 52));

describe('fillKeepMask', () => {
  it('compares the halves of the words of the stream with the probability', () => {
    fc.assert(
      fc.property(lengths, positions, fc.double({ min: 0, max: 1, noNaN: true }), (length, position, keep) => {
        const [random, words] = [streamAt(position), streamAt(position)];
        const mask = random.fillKeepMask(new Uint8Array(length).fill(7), keep);
        expect([...mask]).toEqual(expectedMask(words, length, keep));
        expect(random.position).toBe(words.position);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps all or nothing at the ends, and draws as many words', () => {
    for (const [keep, value] of [
      [0, 0],
      [2 ** -18, 0],
      [1 - 2 ** -18, 1],
      [1, 1],
    ] as const) {
      const random = createRandom(1);
      expect(random.fillKeepMask(new Uint8Array(9).fill(7), keep)).toEqual(new Uint8Array(9).fill(value));
      expect(random.position).toBe(5);
    }
  });

  it('keeps the wanted share, neighbours independently', () => {
    const length = 200_000;
    const mask = createRandom(5).fillKeepMask(new Uint8Array(length), 0.9);
    let kept = 0;
    let both = 0;
    for (let i = 0; i < length; i++) {
      kept += mask[i]!;
      both += mask[i]! & mask[(i + 1) % length]!;
    }
    // Within 4 standard deviations.
    expect(Math.abs(kept / length - 0.9)).toBeLessThan(4 * Math.sqrt(0.09 / length));
    expect(Math.abs(both / length - 0.81)).toBeLessThan(4 * Math.sqrt((0.81 * 0.19 + 2 * 0.81 * 0.09) / length));
  });

  it('fills part of a buffer and nothing beside it', () => {
    const buffer = new Uint8Array(12).fill(7);
    createRandom(1).fillKeepMask(buffer.subarray(3, 8), 1);
    expect([...buffer]).toEqual([7, 7, 7, 1, 1, 1, 1, 1, 7, 7, 7, 7]);
  });

  it('rejects what is no probability and stays where it is', () => {
    const random = createRandom(1);
    for (const keep of [-0.1, 1.1, Number.NaN]) {
      expect(() => random.fillKeepMask(new Uint8Array(1), keep)).toThrow(`a probability from 0 to 1, got ${keep}`);
    }
    expect(random.position).toBe(0);
  });
});
