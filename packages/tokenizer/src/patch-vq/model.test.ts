import { float32, referenceOps as ops } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { imagesOfPatches, patchesOfImages } from './model.js';

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
  expect(imagesOfPatches(ops, patches, 2, { rows: 2, columns: 2 })).toEqual(images);
  // The same numbers as images twice as wide as high.
  const wide = float32([4, 3, 2, 4], images.data);
  const widePatches = patchesOfImages(ops, wide, 2);
  expect(widePatches.shape).toEqual([4, 2, 12]);
  expect([...widePatches.data.subarray(12, 16)]).toEqual([2, 3, 12, 13]);
  expect(imagesOfPatches(ops, widePatches, 2, { rows: 1, columns: 2 })).toEqual(wide);
});
