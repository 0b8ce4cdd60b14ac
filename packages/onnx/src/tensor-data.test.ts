import { describe, expect, it } from 'vitest';
import type { StoredTensor } from './model.js';
import { constantOf } from './tensor-data.js';

const stored = (type: number, shape: readonly number[], rest: Partial<StoredTensor>): StoredTensor => ({
  name: 'w',
  type,
  shape,
  raw: undefined,
  numbers: [],
  external: undefined,
  ...rest,
});

const bytes = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const numbers = (tensor: StoredTensor) => {
  const constant = constantOf(tensor, {});
  return 'value' in constant ? [constant.value.dtype, ...constant.value.data] : constant;
};

describe('constantOf', () => {
  it.each<readonly [string, StoredTensor, readonly (string | number)[]]>([
    ['float32 in bytes', stored(1, [2], { raw: bytes(Float32Array.of(1.5, -2)) }), ['float32', 1.5, -2]],
    ['float32 in numbers', stored(1, [2], { numbers: [1.5, -2] }), ['float32', 1.5, -2]],
    ['float64', stored(11, [1], { raw: bytes(Float64Array.of(0.25)) }), ['float32', 0.25]],
    [
      'float16 in bytes',
      stored(10, [5], { raw: bytes(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x3555)) }),
      ['float32', 1, -2, 2 ** -24, 65504, 0.333251953125],
    ],
    ['float16 in numbers', stored(10, [2], { numbers: [0x3c00, 0x7c00] }), ['float32', 1, Number.POSITIVE_INFINITY]],
    ['bfloat16', stored(16, [2], { raw: bytes(Uint16Array.of(0x3f80, 0xc0a0)) }), ['float32', 1, -5]],
    ['int64', stored(7, [2], { raw: bytes(BigInt64Array.of(-1n, 7n)) }), ['int32', -1, 7]],
    [
      'int64 beyond int32, as in slices to the end',
      stored(7, [2], { raw: bytes(BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n))) }),
      ['int32', 2 ** 31 - 1, -(2 ** 31)],
    ],
    ['int8', stored(3, [2], { raw: Uint8Array.of(255, 3) }), ['int32', -1, 3]],
    ['bool', stored(9, [2], { raw: Uint8Array.of(1, 0) }), ['bool', 1, 0]],
    ['a scalar', stored(6, [], { numbers: [-3] }), ['int32', -3]],
  ])('converts %s', (_, tensor, expected) => {
    expect(numbers(tensor)).toEqual(expected);
  });

  it('does not change if the file does, and needs no aligned bytes', () => {
    const file = Buffer.alloc(9);
    file.writeFloatLE(3.5, 1);
    const tensor = stored(1, [1], { raw: file.subarray(1, 5) });
    const constant = constantOf(tensor, {});
    file.fill(0);
    expect(constant).toMatchObject({ value: { data: Float32Array.of(3.5) } });
  });

  it('reads a part of a file of external data', () => {
    const data = bytes(Float32Array.of(1, 2, 3));
    const tensor = stored(1, [2], { external: { location: 'w.bin', offset: 4, length: 8 } });
    expect(constantOf(tensor, { 'w.bin': data })).toMatchObject({ value: { data: Float32Array.of(2, 3) } });
    expect(constantOf(tensor, {})).toEqual({
      unreadable: "its data in the file 'w.bin', which was not passed as external data",
    });
    expect(constantOf(tensor, { 'w.bin': data.subarray(4) })).toEqual({
      unreadable: "8 bytes at 4 of 'w.bin', which has fewer",
    });
  });

  it('says what it cannot read', () => {
    expect(constantOf(stored(8, [1], {}), {})).toEqual({ unreadable: 'elements of type 8' });
    expect(() => constantOf(stored(1, [3], { raw: new Uint8Array(8) }), {})).toThrow(
      "readOnnxNetwork: expected 3 elements of float32 in the tensor 'w', got 2. The file is damaged: export it again.",
    );
  });
});
