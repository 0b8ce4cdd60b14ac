import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  batchPatchLengths,
  packPatchLengths,
  padPatchLengths,
  patchLengths,
  unpackPatchLengths,
  unpadPatchLengths,
} from './index.js';
import { anyOptions, lengths } from './testing/arbitraries.js';

const plain = (images: readonly ArrayLike<number>[]) => images.map((image) => Array.from(image));

describe('batchPatchLengths', () => {
  it('patches each image as patchLengths does', () => {
    const batch = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 20 })).chain(([B, n]) =>
      fc.array(fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: n, maxLength: n }), {
        minLength: B,
        maxLength: B,
      }),
    );
    fc.assert(
      fc.property(batch, anyOptions, fc.boolean(), (images, options, endOfImage) => {
        const padded = batchPatchLengths(Float64Array.from(images.flat()), images.length, { ...options, endOfImage });
        const expected = images.map((image) => patchLengths(image, { ...options, endOfImage }));
        expect(plain(unpadPatchLengths(padded))).toEqual(plain(expected));
        expect(padded.shape).toEqual([images.length, Math.max(...expected.map((image) => image.length))]);
      }),
    );
  });

  it('pads to a number or a bucket size', () => {
    const entropies = Float32Array.of(9, 9, 9, 0, 0, 0); // two images of 4 tokens
    const options = { threshold: 1 };
    expect(batchPatchLengths(entropies, 2, options)).toEqual({
      dtype: 'int32',
      shape: [2, 4],
      data: Int32Array.of(1, 1, 1, 1, 1, 3, 0, 0),
    });
    expect(batchPatchLengths(entropies, 2, options, 6).shape).toEqual([2, 6]);
    expect(batchPatchLengths(entropies, 2, options, { max: 16, step: 8 }).shape).toEqual([2, 8]);
    expect(() => batchPatchLengths(entropies, 2, options, 3)).toThrow('expected room for 4 patches, got 3');
    expect(() => batchPatchLengths(entropies, 4, options)).toThrow('entropies [4, T - 1]');
  });
});

describe('padded and packed batches', () => {
  it('turn back into the images', () => {
    fc.assert(
      fc.property(fc.array(lengths, { maxLength: 5 }), fc.integer({ min: 0, max: 3 }), (images, extra) => {
        const longest = images.reduce((most, image) => Math.max(most, image.length), 0);
        expect(plain(unpadPatchLengths(padPatchLengths(images, longest + extra)))).toEqual(images);
        expect(plain(unpackPatchLengths(packPatchLengths(images)))).toEqual(images);
      }),
    );
  });

  it('are as written by hand', () => {
    const images = [[1, 2], [3], [1, 1, 1]];
    expect(padPatchLengths(images)).toEqual({
      dtype: 'int32',
      shape: [3, 3],
      data: Int32Array.of(1, 2, 0, 3, 0, 0, 1, 1, 1),
    });
    expect(packPatchLengths(images)).toEqual({
      lengths: Int32Array.of(1, 2, 3, 1, 1, 1),
      patchOffsets: Int32Array.of(0, 2, 3, 6),
      tokenOffsets: Int32Array.of(0, 3, 6, 9),
    });
    expect(() => unpadPatchLengths({ dtype: 'int32', shape: [1, 3], data: Int32Array.of(1, 0, 1) })).toThrow('patch 2');
  });
});
