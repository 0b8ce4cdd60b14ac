import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeBfloat16,
  decodeFloat16,
  encodeBfloat16,
  encodeFloat16,
  float16ToFloat32Bits,
  float32BitsToBfloat16,
  float32BitsToFloat16,
} from './small-floats.js';

const allHalves = Uint16Array.from({ length: 0x10000 }, (_, half) => half);

function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] as number;
}

/** The value of a float16, from the definition of the format. */
function float16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = (half & 0x3ff) / 1024;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * 2 ** -14 * fraction : sign * 2 ** (exponent - 15) * (1 + fraction);
}

describe('float16', () => {
  it('decodes all 65536 patterns to the value that the format defines', () => {
    const values = decodeFloat16(allHalves);
    const wrong = allHalves.filter((half) => !Object.is(values[half], float16Value(half)));
    expect([...wrong]).toEqual([]);
  });

  it('gives all 65536 patterns back, payloads of NaN and the sign of zero included', () => {
    expect(encodeFloat16(decodeFloat16(allHalves))).toEqual(allHalves);
  });

  it.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [0.1, 0x2e66],
    [1 / 3, 0x3555],
    [Math.PI, 0x4248],
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [1e30, 0x7c00],
    [-Infinity, 0xfc00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000], // a tie between 0 and the smallest subnormal: even
    [2 ** -25 * 1.001, 0x0001],
    [-(2 ** -25) * 0.999, 0x8000],
    [3 * 2 ** -25, 0x0002],
    [1e-40, 0x0000],
    [-0, 0x8000],
    [Number.NaN, 0x7e00],
  ])('encodes %d as NumPy does', (value, expected) => {
    expect(encodeFloat16(Float32Array.of(value))[0]).toBe(expected);
  });

  it('rounds to nearest, ties to even, between every two neighbours', () => {
    const wrong: number[] = [];
    for (let half = 0; half < 0x7c00; half++) {
      const low = float16Value(half);
      const high = half === 0x7bff ? 65536 : float16Value(half + 1);
      const tie = bitsOf((low + high) / 2); // exact in float32
      const even = half % 2 === 0 ? half : half + 1;
      const right = [tie - 1, tie, tie + 1].map(float32BitsToFloat16);
      const negative = [tie - 1, tie, tie + 1].map((bits) => float32BitsToFloat16(bits | 0x80000000));
      for (const [i, expected] of [half, even, half + 1].entries()) {
        if (right[i] !== expected || negative[i] !== (expected | 0x8000)) wrong.push(half);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('keeps every NaN a NaN', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0x7f800001, max: 0x7fffffff }), fc.boolean(), (magnitude, negative) => {
        const bits = negative ? magnitude | 0x80000000 : magnitude;
        expect(float16ToFloat32Bits(float32BitsToFloat16(bits)) & 0x7fffffff).toBeGreaterThan(0x7f800000);
        expect(float32BitsToBfloat16(bits) & 0x7fff).toBeGreaterThan(0x7f80);
      }),
    );
  });
});

describe('bfloat16', () => {
  it('gives all 65536 patterns back', () => {
    expect(encodeBfloat16(decodeBfloat16(allHalves))).toEqual(allHalves);
  });

  it.each([
    [1, 0x3f80],
    [-2, 0xc000],
    [0.1, 0x3dcd],
    [Math.PI, 0x4049],
    [3.4e38, 0x7f80],
    [1e-40, 0x0001],
    [-0, 0x8000],
    [-Infinity, 0xff80],
    [Number.NaN, 0x7fc0],
  ])('encodes %d as PyTorch does', (value, expected) => {
    expect(encodeBfloat16(Float32Array.of(value))[0]).toBe(expected);
  });

  it('rounds to nearest, ties to even, from every pattern on', () => {
    const wrong: number[] = [];
    for (const upper of allHalves) {
      if ((upper & 0x7fff) >= 0x7f80) continue;
      const even = upper % 2 === 0 ? upper : upper + 1;
      for (const [lower, expected] of [
        [0, upper],
        [0x7fff, upper],
        [0x8000, even],
        [0x8001, upper + 1],
        [0xffff, upper + 1],
      ] as const) {
        if (float32BitsToBfloat16((upper << 16) | lower) !== expected) wrong.push(upper);
      }
    }
    expect(wrong).toEqual([]);
  });
});
