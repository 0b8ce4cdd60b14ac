import { float32, hostTensor, int32, isDparError } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { bytesOf, fromHostTensor, toFloat64Array, toHostTensor } from './convert.js';
import { IoError } from './error.js';
import type { StoredDType, StoredTensor } from './stored.js';

function stored(dtype: StoredDType, data: ArrayBufferView, shape: number[]): StoredTensor {
  return { dtype, shape, bytes: bytesOf(data) };
}

/** The same tensor one byte further on, where no typed array can lie on it. */
function misaligned({ dtype, shape, bytes }: StoredTensor): StoredTensor {
  const moved = new Uint8Array(bytes.length + 1);
  moved.set(bytes, 1);
  return { dtype, shape, bytes: moved.subarray(1) };
}

const numbers: [StoredDType, ArrayBufferView, number[]][] = [
  ['F32', Float32Array.of(1.5, -2, Infinity), [1.5, -2, Infinity]],
  ['F16', Uint16Array.of(0x3c00, 0xc000, 0x0001), [1, -2, 2 ** -24]],
  ['BF16', Uint16Array.of(0x3f80, 0xc000, 0x4049), [1, -2, 3.140625]],
  ['F64', Float64Array.of(0.5, -3, 1e300), [0.5, -3, Infinity]],
  ['I64', BigInt64Array.of(-1n, 2147483647n, -2147483648n), [-1, 2147483647, -2147483648]],
  ['U64', BigUint64Array.of(0n, 1n, 2147483647n), [0, 1, 2147483647]],
  ['I32', Int32Array.of(-5, 0, 7), [-5, 0, 7]],
  ['U32', Uint32Array.of(0, 1, 2147483647), [0, 1, 2147483647]],
  ['I16', Int16Array.of(-32768, 0, 32767), [-32768, 0, 32767]],
  ['U16', Uint16Array.of(0, 1, 65535), [0, 1, 65535]],
  ['I8', Int8Array.of(-128, 0, 127), [-128, 0, 127]],
  ['U8', Uint8Array.of(0, 1, 255), [0, 1, 255]],
  ['BOOL', Uint8Array.of(0, 1, 1), [0, 1, 1]],
];

describe('toHostTensor', () => {
  it.each(numbers)('converts %s, wherever it lies', (dtype, data, expected) => {
    for (const tensor of [stored(dtype, data, [3, 1]), misaligned(stored(dtype, data, [3, 1]))]) {
      const host = toHostTensor(tensor);
      expect(host.dtype).toBe(dtype === 'BOOL' ? 'bool' : /^B?F/.test(dtype) ? 'float32' : 'int32');
      expect(host.shape).toEqual([3, 1]);
      expect([...host.data]).toEqual(expected);
    }
  });

  it('shares aligned data and copies others', () => {
    const tensor = stored('F32', Float32Array.of(1, 2), [2]);
    expect(toHostTensor(tensor).data.buffer).toBe(tensor.bytes.buffer);
    const moved = misaligned(tensor);
    expect(toHostTensor(moved).data.buffer).not.toBe(moved.bytes.buffer);
  });

  it.each([
    ['I64', BigInt64Array.of(0n, 2147483648n), 'got 2147483648 at index 1'],
    ['I64', BigInt64Array.of(-2147483649n), 'got -2147483649 at index 0'],
    ['I64', BigInt64Array.of(-(2n ** 63n)), 'got -9223372036854775808'],
    ['U64', BigUint64Array.of(2n ** 64n - 1n), 'got 18446744073709551615'],
    ['U32', Uint32Array.of(2 ** 31), 'got 2147483648'],
    ['BOOL', Uint8Array.of(0, 2), 'got 2 at index 1'],
  ] as const)('refuses %s values that do not fit', (dtype, data, message) => {
    expect(() => toHostTensor(stored(dtype, data, [data.length]), "'codes'")).toThrow(message);
    expect(() => toHostTensor(stored(dtype, data, [data.length]), "'codes'")).toThrow("'codes'");
  });

  it('refuses bytes that are not as many as the shape says', () => {
    expect(() => toHostTensor(stored('F32', Float32Array.of(1, 2), [3]))).toThrow('expected 12 bytes');
    expect(() => toHostTensor(stored('F32', Float32Array.of(1), [0.25]))).toThrow(IoError);
  });
});

describe('toFloat64Array', () => {
  it.each(numbers)('gives the values of %s', (dtype, data, expected) => {
    const exact = dtype === 'F64' ? [0.5, -3, 1e300] : expected;
    expect([...toFloat64Array(stored(dtype, data, [3]))]).toEqual(exact);
  });

  it('takes whole numbers that int32 cannot hold', () => {
    expect([...toFloat64Array(stored('I64', BigInt64Array.of(-(2n ** 40n)), [1]))]).toEqual([-(2 ** 40)]);
    expect([...toFloat64Array(stored('U64', BigUint64Array.of(2n ** 63n), [1]))]).toEqual([2 ** 63]);
    expect([...toFloat64Array(stored('U32', Uint32Array.of(2 ** 32 - 1), [1]))]).toEqual([2 ** 32 - 1]);
  });
});

describe('fromHostTensor', () => {
  it('stores each type, without a copy where none is needed', () => {
    const data = Float32Array.of(1, 0.1);
    expect(fromHostTensor(float32([2], data)).bytes.buffer).toBe(data.buffer);
    expect([...new Uint16Array(fromHostTensor(float32([2], data), 'F16').bytes.buffer)]).toEqual([0x3c00, 0x2e66]);
    expect([...new Uint16Array(fromHostTensor(float32([2], data), 'BF16').bytes.buffer)]).toEqual([0x3f80, 0x3dcd]);
    expect(fromHostTensor(int32([1], [-1]), 'F16')).toMatchObject({ dtype: 'I32', shape: [1] });
    expect(fromHostTensor(hostTensor('bool', [2], [1, 0]))).toEqual({
      dtype: 'BOOL',
      shape: [2],
      bytes: Uint8Array.of(1, 0),
    });
  });

  it('refuses data that do not fit the shape', () => {
    expect(() => fromHostTensor({ dtype: 'float32', shape: [3], data: new Float32Array(2) })).toThrow(IoError);
  });
});

describe('IoError', () => {
  it('is a DPAR error to the other packages', () => {
    const error = new IoError('io: expected a, got b.');
    expect(isDparError(error)).toBe(true);
    expect(error.name).toBe('IoError');
    expect(`${error}`).toBe('IoError: io: expected a, got b.');
  });
});
