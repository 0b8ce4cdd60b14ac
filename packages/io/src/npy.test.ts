import { float32, hostTensor } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, toFloat64Array, toHostTensor } from './convert.js';
import { IoError } from './error.js';
import { formatNpy, parseNpy } from './npy.js';
import { formatNpz, parseNpz } from './npz.js';
import { type StoredDType, type StoredTensor, storedTypeBytes } from './stored.js';

function base64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

// Written by NumPy 2.4.
const numpy = {
  // np.asfortranarray(np.arange(24, dtype='<i4').reshape(2, 3, 4))
  fortran: base64(
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGk0JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgNCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAADAAAAAQAAAAQAAAACAAAABQAAAABAAAADQAAAAUAAAARAAAACQAAABUAAAACAAAADgAAAAYAAAASAAAACgAAABYAAAADAAAADwAAAAcAAAATAAAACwAAABcAAAA=',
  ),
  // np.array([1.5, -2.25], dtype='>f8')
  bigEndian: base64(
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPmY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/+AAAAAAAAMACAAAAAAAA',
  ),
  // np.savez_compressed(arr_0=np.arange(12, dtype='u1').reshape(1, 2, 2, 3), mu=np.array([0.1, 0.2]))
  compressed: base64(
    'UEsDBC0AAAAIAAAAIQBvVnzQ//////////8JABQAYXJyXzAubnB5AQAQAIwAAAAAAAAAVQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBeU2qorqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOgpGYGSsqaNQq0AG4GJgZGJmYWVj5+Dk4gYAUEsDBC0AAAAIAAAAIQCjAN+u//////////8GABQAbXUubnB5AQAQAJAAAAAAAAAATgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2ahrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOpo6CrUKFACuWTNBYKc9hD5pDwBQSwECLQMtAAAACAAAACEAb1Z80FUAAACMAAAACQAAAAAAAAAAAAAAgAEAAAAAYXJyXzAubnB5UEsBAi0DLQAAAAgAAAAhAKMA365OAAAAkAAAAAYAAAAAAAAAAAAAAIABkAAAAG11Lm5weVBLBQYAAAAAAgACAGsAAAAWAQAAAAA=',
  ),
  // np.savez(mu=np.array([0.1, 0.2]))
  plain: base64(
    'UEsDBC0AAAAAAAAAIQCjAN+u//////////8GABQAbXUubnB5AQAQAJAAAAAAAAAAkAAAAAAAAACTTlVNUFkBAHYAeydkZXNjcic6ICc8ZjgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgCpqZmZmZmbk/mpmZmZmZyT9QSwECLQMtAAAAAAAAACEAowDfrpAAAACQAAAABgAAAAAAAAAAAAAAgAEAAAAAbXUubnB5UEsFBgAAAAABAAEANAAAAMgAAAAAAA==',
  ),
};

/** An `.npy` file with this header text. */
function npyOf(header: string, data: readonly number[] = []): Uint8Array {
  const text = new TextEncoder().encode(header);
  return Uint8Array.of(
    0x93,
    ...new TextEncoder().encode('NUMPY'),
    1,
    0,
    text.length & 255,
    text.length >> 8,
    ...text,
    ...data,
  );
}

describe('npy', () => {
  it('reads what NumPy wrote', () => {
    const fortran = parseNpy(numpy.fortran);
    expect(fortran).toMatchObject({ dtype: 'I32', shape: [2, 3, 4] });
    expect([...toHostTensor(fortran).data]).toEqual(Array.from({ length: 24 }, (_, i) => i));
    const bigEndian = parseNpy(numpy.bigEndian);
    expect(bigEndian).toMatchObject({ dtype: 'F64', shape: [2] });
    expect([...toFloat64Array(bigEndian)]).toEqual([1.5, -2.25]);
  });

  it('writes the bytes that NumPy writes', () => {
    expect(formatNpy(parseNpy(numpy.fortran), { fortranOrder: true })).toEqual(numpy.fortran);
    const header = "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }".padEnd(117);
    expect(formatNpy(hostTensor('bool', [2], [1, 0]))).toEqual(npyOf(`${header}\n`, [1, 0]));
    const scalar = "{'descr': '<f4', 'fortran_order': False, 'shape': (), }".padEnd(117);
    expect(formatNpy(float32([], [2]))).toEqual(npyOf(`${scalar}\n`, [0, 0, 0, 0x40]));
  });

  it('reads back every element type in both orders', () => {
    const dtypes = (Object.keys(storedTypeBytes) as StoredDType[]).filter((dtype) => !/^(BF16|F8_.*)$/.test(dtype));
    fc.assert(
      fc.property(
        fc.constantFrom(...dtypes),
        fc.array(fc.nat(4), { maxLength: 4 }),
        fc.boolean(),
        (dtype, shape, order) => {
          const size = shape.reduce((product, dimension) => product * dimension, storedTypeBytes[dtype]);
          const stored = { dtype, shape, bytes: Uint8Array.from({ length: size }, (_, i) => i % 251) };
          expect(parseNpy(formatNpy(stored, { fortranOrder: order }))).toEqual(stored);
        },
      ),
    );
  });

  it.each([
    ['no NumPy file', new Uint8Array(100), 'expected a NumPy file'],
    ['an empty file', new Uint8Array(0), 'expected a NumPy file'],
    ['a cut header', numpy.fortran.slice(0, 100), 'truncated'],
    ['cut data', numpy.fortran.slice(0, 200), 'expected 96 bytes of data'],
    ['objects', npyOf("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), 'expected descr'],
    [
      'complex numbers',
      npyOf("{'descr': '<c8', 'fortran_order': False, 'shape': (), }", [0, 0, 0, 0, 0, 0, 0, 0]),
      'f2, i4',
    ],
    [
      'records',
      npyOf("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (), }", [0, 0, 0, 0]),
      'expected descr',
    ],
    [
      'a huge shape',
      npyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }"),
      'countable',
    ],
    ['a negative shape', npyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), 'expected descr'],
  ])('refuses %s', (_, file, message) => {
    expect(() => parseNpy(file)).toThrow(IoError);
    expect(() => parseNpy(file)).toThrow(message);
  });

  it('refuses to write bfloat16, which NumPy does not have', () => {
    expect(() => formatNpy({ dtype: 'BF16', shape: [1], bytes: new Uint8Array(2) })).toThrow('BF16');
  });
});

describe('npz', () => {
  it('reads what NumPy wrote, compressed or not', () => {
    const arrays = parseNpz(numpy.compressed);
    expect([...arrays.keys()]).toEqual(['arr_0', 'mu']);
    expect(arrays.get('arr_0')).toEqual({
      dtype: 'U8',
      shape: [1, 2, 2, 3],
      bytes: Uint8Array.from([...Array(12).keys()]),
    });
    for (const file of [numpy.compressed, numpy.plain]) {
      expect([...toFloat64Array(parseNpz(file).get('mu') as StoredTensor)]).toEqual([0.1, 0.2]);
    }
  });

  it('is read back as it was', () => {
    const sigma: StoredTensor = { dtype: 'F64', shape: [2, 2], bytes: bytesOf(Float64Array.of(1, 2, 3, 4)) };
    for (const compress of [false, true]) {
      const file = formatNpz({ sigma, '0': float32([1], [3]) }, { compress });
      expect(formatNpz({ sigma, '0': float32([1], [3]) }, { compress })).toEqual(file);
      const read = parseNpz(file);
      expect(read.get('sigma')).toEqual(sigma);
      expect(toHostTensor(read.get('0') as StoredTensor)).toEqual(float32([1], [3]));
    }
  });

  it('refuses other files, and archives that unpack to more than allowed', () => {
    expect(() => parseNpz(new Uint8Array(100))).toThrow(IoError);
    expect(() => parseNpz(numpy.compressed, { maximumBytes: 200 })).toThrow('at most 200 bytes');
  });
});

describe('damaged files', () => {
  it.each([
    ['npy', numpy.fortran, parseNpy],
    ['npz', numpy.compressed, parseNpz],
  ])('%s: parsed or refused', (_, valid, parse) => {
    const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(valid.length), (changes, cut) => {
        const file = valid.slice();
        for (const [at, byte] of changes) file[at] = byte;
        for (const bytes of [file, file.subarray(0, cut)]) {
          try {
            parse(bytes);
          } catch (error) {
            if (!(error instanceof IoError)) throw error;
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
