import { describe, expect, it } from 'vitest';
import { toHalf } from './half.js';

/** Number of a float16, by the definition of its bits. */
function numberOf(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 === 0 ? 1 : -1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

describe('toHalf', () => {
  it('gives every float16 its own bits', () => {
    const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).filter(
      (bits) => !Number.isNaN(numberOf(bits)),
    );
    expect(toHalf(Float32Array.from(all, numberOf))).toEqual(all);
  });

  it.each([
    ['rounds half-way to the even neighbour, up', 1 + 3 * 2 ** -11, 0x3c02],
    ['and down', 1 + 2 ** -11, 0x3c00],
    ['rounds just above half-way up', 1 + 2 ** -11 + 2 ** -20, 0x3c01],
    ['rounds subnormal numbers', 2.5 * 2 ** -24, 2],
    ['rounds subnormal numbers up to the smallest normal one', 2 ** -14 - 2 ** -27, 0x0400],
    ['keeps the sign of zero', -0, 0x8000],
    ['rounds what is below half of the smallest number to zero', 2 ** -26, 0],
    ['keeps the largest number', 65504, 0x7bff],
    ['rounds to the largest number', 65519, 0x7bff],
    ['makes infinity of what is beyond', 65520, 0x7c00],
    ['also of the largest float32', -3.4028234663852886e38, 0xfc00],
    ['keeps infinity', Number.NEGATIVE_INFINITY, 0xfc00],
    ['keeps NaN', Number.NaN, 0x7e00],
  ])('%s', (_, number, bits) => {
    expect([...toHalf(Float32Array.of(number))]).toEqual([bits]);
  });
});
