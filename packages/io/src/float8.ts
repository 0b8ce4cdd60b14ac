import { float16ToFloat32Bits } from './half.js';

/** The formats of 8-bit floating-point numbers that are read (https://arxiv.org/abs/2209.05433). */
export type Float8 = 'F8_E4M3' | 'F8_E5M2';

/** The value of a number of 4 bits of exponent and 3 of mantissa, which has no infinities. */
function valueOfE4M3(byte: number): number {
  const sign = byte < 0x80 ? 1 : -1;
  const exponent = (byte >> 3) & 0xf;
  const mantissa = byte & 7;
  if (exponent === 0xf && mantissa === 7) return Number.NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** -9 : (8 + mantissa) * 2 ** (exponent - 10));
}

/** Values of all numbers of 5 bits of exponent and 2 of mantissa: each is the upper byte of a float16. */
const valuesOfE5M2 = (): Float32Array =>
  new Float32Array(Uint32Array.from({ length: 256 }, (_, byte) => float16ToFloat32Bits(byte << 8)).buffer);

/** Values of 8-bit floating-point numbers; exact. */
export function decodeFloat8(bytes: Uint8Array, format: Float8): Float32Array {
  const values =
    format === 'F8_E5M2' ? valuesOfE5M2() : Float32Array.from({ length: 256 }, (_, byte) => valueOfE4M3(byte));
  return Float32Array.from(bytes, (byte) => values[byte] as number);
}
