import { checkArguments } from '../check-arguments.js';
import { type RgbImage, rgbImageKinds } from '../image-set.js';
import { checkImage, type ImageSize, imageSizeKinds } from './resize.js';
import { pillowBicubic, pillowBox, type Taps } from './taps.js';

/** Filters of {@link resizeBytes}. */
export type ByteFilter = 'box' | 'bicubic';

const rules = { box: pillowBox, bicubic: pillowBicubic };

/** Fixed-point value of the weight 1: weights are multiples of 1 / 2^22, as in Pillow. */
const one = 2 ** 22;

/**
 * Resizes an image exactly as Pillow's `Image.resize` does with 8 bits. The first pass resizes rows, the second columns. Weights
 * have 22 bits, and each pass rounds to bytes.
 * @throws DparError if the image is empty or its bytes do not match its size.
 */
export function resizeBytes(image: RgbImage, imageSize: ImageSize, filter: ByteFilter): RgbImage {
  checkArguments(
    'resizeBytes',
    { image, imageSize, filter },
    { image: rgbImageKinds, imageSize: imageSizeKinds, filter: "'box' | 'bicubic'" },
  );
  const { width, height } = imageSize;
  checkImage(image);
  const rule = rules[filter];
  const stretched = new Uint8Array(3 * image.height * width);
  const columns = wholeWeights(rule(image.width, width));
  for (let row = 0; row < image.height; row++) {
    for (let channel = 0; channel < 3; channel++) {
      const from = 3 * row * image.width + channel;
      stretch(stretched, 3 * row * width + channel, image.data, from, 3, columns);
    }
  }
  const data = new Uint8Array(3 * height * width);
  const rows = wholeWeights(rule(image.height, height));
  for (let i = 0; i < 3 * width; i++) stretch(data, i, stretched, i, 3 * width, rows);
  return { width, height, data };
}

function wholeWeights({ weights, ...taps }: Taps): Taps {
  return { ...taps, weights: weights.map((weight) => Math.trunc(weight * one + Math.sign(weight) / 2)) };
}

/** Resizes the bytes at `from`, `from + step`, ... and writes them to `to`, `to + step`, ... */
function stretch(out: Uint8Array, to: number, bytes: Uint8Array, from: number, step: number, taps: Taps): void {
  const { count, first, weights } = taps;
  for (let i = 0; i < first.length; i++) {
    let sum = one / 2;
    let at = from + step * (first[i] as number);
    for (let k = i * count; k < (i + 1) * count; k++, at += step) sum += (weights[k] as number) * (bytes[at] as number);
    out[to + step * i] = Math.min(255, Math.max(0, Math.floor(sum / one)));
  }
}
