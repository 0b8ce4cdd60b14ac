import { checkArguments } from './check-arguments.js';

// Conversions of float16 (IEEE 754 binary16) and bfloat16 keep NaN payloads and round to nearest, ties to even. Finite values
// beyond the range become infinity.

/** Converts a float16 bit pattern to the float32 bit pattern of the same value. */
export function float16ToFloat32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0; // infinity, NaN
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0; // 112 = 127 - 15
  if (mantissa === 0) return sign >>> 0;
  // Subnormal, mantissa * 2^-24: shift the leading one to bit 10, which is implied.
  const shift = Math.clz32(mantissa) - 21;
  return (sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13)) >>> 0;
}

/** Rounds a float32 bit pattern to the nearest float16 bit pattern. */
export function float32BitsToFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) {
    const payload = (magnitude >> 13) & 0x3ff;
    return sign | 0x7c00 | (payload === 0 ? 0x200 : payload); // a NaN must not become infinity
  }
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // from 65520, half a step above the largest float16
  if (magnitude >= 0x38800000) {
    // Normal, from 2^-14. Adding half a step minus one, plus the last kept bit, carries a tie only from an odd number.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13);
  }
  const exponent = magnitude >> 23;
  if (exponent < 102) return sign; // below 2^-25, half the smallest subnormal
  const shift = 126 - exponent; // 14 .. 24
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const kept = mantissa >> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}

/** Rounds a float32 bit pattern to the nearest bfloat16 bit pattern. */
export function float32BitsToBfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) {
    const upper = bits >>> 16;
    return (upper & 0x7f) === 0 ? upper | 0x40 : upper; // a NaN must not become infinity
  }
  return ((bits >>> 0) + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

let float16Table: Uint32Array | undefined;

/** Table of the float32 bit patterns of all float16 bit patterns (256 KiB), made at first use. */
function table(): Uint32Array {
  if (float16Table === undefined) {
    float16Table = new Uint32Array(0x10000);
    for (let half = 0; half < 0x10000; half++) float16Table[half] = float16ToFloat32Bits(half);
  }
  return float16Table;
}

/** Decodes float16 bit patterns exactly. */
export function decodeFloat16(halves: Uint16Array): Float32Array {
  checkArguments('decodeFloat16', { halves }, { halves: 'Uint16Array' });
  const bits = new Uint32Array(halves.length);
  const lookup = table();
  for (let i = 0; i < halves.length; i++) bits[i] = lookup[halves[i] as number] as number;
  return new Float32Array(bits.buffer);
}

/** Decodes bfloat16 bit patterns exactly. */
export function decodeBfloat16(halves: Uint16Array): Float32Array {
  checkArguments('decodeBfloat16', { halves }, { halves: 'Uint16Array' });
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

/** Rounds values to the nearest float16 bit patterns. */
export function encodeFloat16(values: Float32Array): Uint16Array {
  checkArguments('encodeFloat16', { values }, { values: 'Float32Array' });
  return encode(values, float32BitsToFloat16);
}

/** Rounds values to the nearest bfloat16 bit patterns. */
export function encodeBfloat16(values: Float32Array): Uint16Array {
  checkArguments('encodeBfloat16', { values }, { values: 'Float32Array' });
  return encode(values, float32BitsToBfloat16);
}

function encode(values: Float32Array, round: (bits: number) => number): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = round(bits[i] as number);
  return halves;
}

/** Supported formats of 8-bit floating-point numbers (https://arxiv.org/abs/2209.05433). */
export type Float8 = 'F8_E4M3' | 'F8_E5M2';

/** Value of a number with 4 bits of exponent and 3 of mantissa. There are no infinities. */
function valueOfE4M3(byte: number): number {
  const sign = byte < 0x80 ? 1 : -1;
  const exponent = (byte >> 3) & 0xf;
  const mantissa = byte & 7;
  if (exponent === 0xf && mantissa === 7) return Number.NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** -9 : (8 + mantissa) * 2 ** (exponent - 10));
}

/** Values of all numbers with 5 bits of exponent and 2 of mantissa. Each is the upper byte of a float16. */
const valuesOfE5M2 = (): Float32Array =>
  new Float32Array(Uint32Array.from({ length: 256 }, (_, byte) => float16ToFloat32Bits(byte << 8)).buffer);

/** Decodes 8-bit floating-point numbers exactly. */
export function decodeFloat8(bytes: Uint8Array, format: Float8): Float32Array {
  const values =
    format === 'F8_E5M2' ? valuesOfE5M2() : Float32Array.from({ length: 256 }, (_, byte) => valueOfE4M3(byte));
  return Float32Array.from(bytes, (byte) => values[byte] as number);
}
