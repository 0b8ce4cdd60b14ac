/** Largest finite float16. */
export const largestHalf = 65504;

/** Bits of the smallest normal float16, 2^-14, in float32. Smaller numbers are subnormal. */
const smallestNormal = 0x38800000;

/** Bits of 0.5 in float32. Next to it, numbers of float32 are as far apart as subnormal numbers of float16: 2^-24. */
const half = 0x3f000000;

/**
 * Bits of numbers in float16 (IEEE 754 binary16), rounded to the nearest, ties to even. Numbers beyond its range become
 * infinite. Float16Array would need Node 24.
 */
export function toHalf(numbers: Float32Array): Uint16Array {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const sum = new Float32Array(1);
  const sumBits = new Uint32Array(sum.buffer);
  const result = new Uint16Array(numbers.length);
  for (let i = 0; i < result.length; i++) {
    const [all, number] = [bits[i] as number, numbers[i] as number];
    const absolute = all & 0x7fffffff;
    let rounded = 0x7c00; // infinity
    if (absolute > 0x7f800000) {
      rounded = 0x7e00; // NaN
    } else if (absolute < smallestNormal) {
      sum[0] = Math.abs(number) + 0.5;
      rounded = (sumBits[0] as number) - half;
    } else if (absolute < 0x47800000) {
      // Below 2^16. The exponent's bias falls from 127 to 15, and 13 bits of the fraction are rounded away.
      rounded = (absolute + 0xfff + ((absolute >>> 13) & 1) - 0x38000000) >>> 13;
    }
    result[i] = ((all >>> 16) & 0x8000) | rounded;
  }
  return result;
}
