import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DparError, isDparError } from './error.js';
import { bool, float32, formatType, hostTensor, int32, named, sizeOf } from './types.js';

describe('hostTensor', () => {
  it('uses a typed array of the right kind without copying', () => {
    const data = new Float32Array([1, 2]);
    expect(float32([2], data).data).toBe(data);
  });

  it('converts other sequences', () => {
    expect(float32([2], [1, 0.1]).data).toEqual(new Float32Array([1, 0.1]));
    expect(int32([2], new Float32Array([3, -4.5])).data).toEqual(new Int32Array([3, -4]));
    expect(bool([2], [1, 0]).data).toEqual(new Uint8Array([1, 0]));
    expect(bool([2], [true, false]).data).toEqual(new Uint8Array([1, 0]));
    expect(hostTensor('int32', [1], [7])).toEqual(int32([1], [7]));
  });

  it('is zero without data', () => {
    expect(int32([2, 2])).toEqual({ dtype: 'int32', shape: [2, 2], data: new Int32Array(4) });
    expect(float32([]).data).toEqual(new Float32Array(1));
    expect(bool([3, 0]).data).toEqual(new Uint8Array(0));
  });

  it('keeps a shape of its own', () => {
    const shape = [1, 2];
    const tensor = float32(shape);
    shape[0] = 5;
    expect(tensor.shape).toEqual([1, 2]);
  });

  it('rejects data and shapes that do not belong together', () => {
    expect(() => float32([2, 3], [1, 2])).toThrow(
      'float32: expected 6 elements for the shape [2, 3], got 2. Pass data and shape that belong together.',
    );
    expect(() => float32([], [])).toThrow('expected 1 elements for the shape [], got 0');
    for (const size of [-1, 1.5, Number.NaN]) {
      expect(() => float32([2, size])).toThrow(`dimensions that are whole numbers >= 0, got [2, ${size}]`);
    }
  });
});

it('sizeOf is the product of the dimensions', () => {
  expect(sizeOf([])).toBe(1);
  fc.assert(
    fc.property(fc.array(fc.nat(9)), fc.array(fc.nat(9)), (a, b) => {
      expect(sizeOf([...a, ...b])).toBe(sizeOf(a) * sizeOf(b));
    }),
  );
});

it('formatType writes type and shape', () => {
  expect(formatType(float32([2, 3]))).toBe('float32[2, 3]');
  expect(formatType({ dtype: 'bool', shape: [] })).toBe('bool[]');
});

describe('named', () => {
  it('gives the tensor of a name', () => {
    expect(named({ a: 1, b: 2 }, 'b')).toBe(2);
  });

  it('names what is missing and what is there', () => {
    expect(() => named({ a: 1, b: 2 }, 'c')).toThrow("named: expected a tensor 'c', got a, b.");
    expect(() => named({}, 'c')).toThrow("named: expected a tensor 'c', got none.");
    expect(() => named({ a: 1 }, 'constructor')).toThrow("expected a tensor 'constructor'");
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`n${i}`, i]));
    expect(() => named(many, 'x')).toThrow('got n0, n1, n2, n3, n4, n5, n6, n7 and 4 more.');
  });
});

describe('DparError', () => {
  it('is recognised, also when another copy of the package made it', () => {
    const other = Object.assign(new Error('elsewhere'), { [Symbol.for('dpar.error')]: true });
    expect([new DparError('here'), other].map(isDparError)).toEqual([true, true]);
    expect([new Error('other'), null, undefined, 'DparError', {}].map(isDparError)).toEqual(Array(5).fill(false));
  });

  it('is an Error with a name and a cause', () => {
    const cause = new Error('below');
    const error = new DparError('above', { cause });
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.message, error.cause]).toEqual(['DparError', 'above', cause]);
  });
});
