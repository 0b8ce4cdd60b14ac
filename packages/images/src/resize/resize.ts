import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import type { RgbImage } from '../image-set.js';
import type { Taps, TapsRule } from './taps.js';

/** Size in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

export const imageSizeKinds = { width: 'number', height: 'number', '*': 'any' } as const satisfies KindsOf<ImageSize>;

/**
 * Resizes an image, first along its rows. Values are neither rounded to whole numbers nor clipped.
 *
 * @returns Planes of red, green and blue, [3, height, width], in about 0..255.
 * @throws DparError if the image is empty or its bytes do not match its size.
 */
export function resample(image: RgbImage, { width, height }: ImageSize, rule: TapsRule): Float32Array {
  checkImage(image);
  const columns = rule(image.width, width);
  const rows = rule(image.height, height);
  const planes = new Float32Array(3 * height * width);
  const stretched = new Float32Array(image.height * width); // one plane, of the right width
  for (let channel = 0; channel < 3; channel++) {
    stretchRows(stretched, image, channel, width, columns);
    stretchColumns(planes.subarray(channel * height * width, (channel + 1) * height * width), stretched, width, rows);
  }
  return planes;
}

function stretchRows(out: Float32Array, image: RgbImage, channel: number, width: number, taps: Taps): void {
  const { count, first, weights } = taps;
  for (let row = 0; row < image.height; row++) {
    const start = 3 * row * image.width + channel;
    for (let i = 0; i < width; i++) {
      let sum = 0;
      let from = start + 3 * (first[i] as number);
      for (let k = i * count; k < (i + 1) * count; k++, from += 3) {
        sum += (weights[k] as number) * (image.data[from] as number);
      }
      out[row * width + i] = sum;
    }
  }
}

function stretchColumns(out: Float32Array, plane: Float32Array, width: number, taps: Taps): void {
  const { count, first, weights } = taps;
  const sums = new Float64Array(width);
  for (let row = 0; row < first.length; row++) {
    sums.fill(0);
    for (let k = 0; k < count; k++) {
      const weight = weights[row * count + k] as number;
      if (weight === 0) continue;
      const start = ((first[row] as number) + k) * width;
      for (let i = 0; i < width; i++) sums[i] = (sums[i] as number) + weight * (plane[start + i] as number);
    }
    out.set(sums, row * width);
  }
}

/** @throws DparError if an image is empty or its bytes do not match its size. */
export function checkImage({ width, height, data }: RgbImage): void {
  if (!(width >= 1 && height >= 1 && data.length === 3 * width * height)) {
    throw new DparError(
      `resample: expected an image of at least one pixel with 3 bytes each, got ${width}x${height} with ` +
        `${data.length} bytes. Convert it to RGB.`,
    );
  }
}
