import { float32, referenceOps as ops } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { imagesOfPatches, nearestCodes, patchesOfImages } from './patches.js';

it('cuts images in raster order and puts them together again', () => {
  // Two images of 4 x 4 pixels; value = 1000 image + 100 channel + 10 row + column.
  const images = float32(
    [2, 3, 4, 4],
    Array.from(
      { length: 96 },
      (_, i) => 1000 * Math.floor(i / 48) + 100 * (Math.floor(i / 16) % 3) + 10 * (Math.floor(i / 4) % 4) + (i % 4),
    ),
  );
  const patches = patchesOfImages(ops, images, 2);
  expect(patches.shape).toEqual([2, 4, 12]);
  // Image 1, patch 2: rows 2 and 3, columns 0 and 1.
  expect([...patches.data.subarray(6 * 12, 7 * 12)]).toEqual([
    ...[1020, 1021, 1030, 1031],
    ...[1120, 1121, 1130, 1131],
    ...[1220, 1221, 1230, 1231],
  ]);
  expect(imagesOfPatches(ops, patches, 2)).toEqual(images);
});

it('finds the nearest code, which need not have the largest product', () => {
  const codebook = float32([3, 2], [10, 10, 1, 1, -1, 0]);
  const x = float32([2, 2, 2], [2, 2, 9, 8, -0.1, 0, -5, 1]);
  const codes = nearestCodes(ops, codebook, x);
  expect(codes.shape).toEqual([2, 2]);
  expect([...codes.data]).toEqual([1, 0, 2, 2]);
});
