import { patternImage } from '@dpar/fixtures';
import { describe, expect, it } from 'vitest';
import type { RgbImage } from '../image-set.js';
import { cropVariants } from './crops.js';

/** The red of a pixel. */
const at = ({ width, data }: RgbImage, x: number, y: number) => data[3 * (y * width + x)];

describe('cropVariants', () => {
  // Of 11 pixels, so that crops of 10 with a range of 1.1 are cut without a resize.
  const image = patternImage(11, 11);

  it('ten: corners, middle, and these mirrored', () => {
    const crops = cropVariants(image, { crop: 'ten', flip: false, size: 10, cropRange: 1.1 });
    expect(crops).toHaveLength(10);
    // Half a pixel is rounded to the even number, 0.
    const corners = [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
      [0, 0],
    ] as const;
    corners.forEach(([x, y], i) => {
      const [crop, mirrored] = [crops[i], crops[5 + i]] as [RgbImage, RgbImage];
      expect([crop.width, crop.height]).toEqual([10, 10]);
      expect([at(crop, 0, 0), at(crop, 9, 4)]).toEqual([at(image, x, y), at(image, x + 9, y + 4)]);
      expect([at(mirrored, 9, 0), at(mirrored, 0, 4)]).toEqual([at(image, x, y), at(image, x + 9, y + 4)]);
    });
  });

  it('center: the middle, and mirrored with flip', () => {
    const options = { crop: 'center', size: 11, cropRange: 1.1 } as const;
    expect(cropVariants(image, { ...options, flip: false })).toEqual([image]);
    const [square, mirrored] = cropVariants(image, { ...options, flip: true }) as [RgbImage, RgbImage];
    expect(square).toEqual(image);
    expect(at(mirrored, 2, 3)).toBe(at(image, 8, 3));
  });
});
