import { checkArguments } from '../check-arguments.js';
import { type RgbImage, rgbImageKinds } from '../image-set.js';
import { checkImage, type ImageSize, imageSizeKinds } from './resize.js';
import { pillowBicubic, pillowBox, type Taps } from './taps.js';

/** Filters of {@link resizeBytes}. */
export type ByteFilter = 'box' | 'bicubic';

const rules = { box: pillowBox, bicubic: pillowBicubic };

/** Weights are multiples of 1 / 2^22, as in Pillow. */
const bits = 22;

/** Fixed-point value of the weight 1. */
const one = 2 ** bits;

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
  if (filter === 'box' && image.width === 2 * width && image.height === 2 * height) return halve(image);
  const rule = rules[filter];
  const narrowed = stretchRows(image, wholeWeights(rule(image.width, width)));
  return { width, height, data: stretchColumns(narrowed, 3 * width, wholeWeights(rule(image.height, height))) };
}

/** The box filter of even sides: all weights are 1/2. Photographs are halved several times, so most pixels pass here. */
function halve({ width, height, data }: RgbImage): RgbImage {
  const row = 3 * width;
  const halved = new Uint8Array((row / 2) * (height / 2));
  let to = 0;
  for (let y = 0; y < height; y += 2) {
    const end = (y + 1) * row;
    for (let at = y * row; at < end; at += 6) {
      for (let i = at; i < at + 3; i++) {
        const above = ((data[i] as number) + (data[i + 3] as number) + 1) >> 1;
        const below = ((data[i + row] as number) + (data[i + row + 3] as number) + 1) >> 1;
        halved[to++] = (above + below + 1) >> 1;
      }
    }
  }
  return { width: width / 2, height: height / 2, data: halved };
}

/** Taps in fixed point. Of the weights of a place, those from `from` to `to - 1` are not 0. */
interface WholeTaps extends Omit<Taps, 'weights'> {
  readonly weights: Int32Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
}

function wholeWeights({ count, first, weights }: Taps): WholeTaps {
  const whole = Int32Array.from(weights, (weight) => Math.trunc(weight * one + Math.sign(weight) / 2));
  const [from, to] = [new Int32Array(first.length), new Int32Array(first.length)];
  for (let i = 0; i < first.length; i++) {
    let [begin, end] = [0, count];
    while (begin < end && whole[i * count + begin] === 0) begin++;
    while (end > begin && whole[i * count + end - 1] === 0) end--;
    from[i] = begin;
    to[i] = end;
  }
  return { count, first, weights: whole, from, to };
}

// The sums fit in 32 bits: absolute weights of a place add up to less than 2 * one, and bytes are below 2^8.

/** Resizes the rows of an image. */
function stretchRows({ width, height, data }: RgbImage, { count, first, weights, from, to }: WholeTaps): Uint8Array {
  const out = new Uint8ClampedArray(3 * height * first.length);
  let place = 0;
  for (let row = 0; row < height; row++) {
    for (let i = 0; i < first.length; i++) {
      let [red, green, blue] = [one / 2, one / 2, one / 2];
      const end = to[i] as number;
      let k = from[i] as number;
      for (let at = 3 * (row * width + (first[i] as number) + k); k < end; k++, at += 3) {
        const weight = weights[i * count + k] as number;
        red += Math.imul(weight, data[at] as number);
        green += Math.imul(weight, data[at + 1] as number);
        blue += Math.imul(weight, data[at + 2] as number);
      }
      out[place++] = red >> bits;
      out[place++] = green >> bits;
      out[place++] = blue >> bits;
    }
  }
  return new Uint8Array(out.buffer);
}

/** Resizes the columns of rows of `length` bytes. */
function stretchColumns(data: Uint8Array, length: number, { count, first, weights, from, to }: WholeTaps): Uint8Array {
  const out = new Uint8ClampedArray(first.length * length);
  const sums = new Int32Array(length);
  for (let row = 0; row < first.length; row++) {
    sums.fill(one / 2);
    for (let k = from[row] as number; k < (to[row] as number); k++) {
      const weight = weights[row * count + k] as number;
      const start = ((first[row] as number) + k) * length;
      for (let i = 0; i < length; i++) sums[i] = (sums[i] as number) + Math.imul(weight, data[start + i] as number);
    }
    const start = row * length;
    for (let i = 0; i < length; i++) out[start + i] = (sums[i] as number) >> bits;
  }
  return new Uint8Array(out.buffer);
}
