import type { RgbImage } from '../image-set.js';
import { resizeBytes } from '../resize/resize-bytes.js';

/** Squares of an image that are tokenized. */
export interface CropOptions {
  /** `center`: the square in the middle. `ten`: the corners and the middle of a larger square, and all five mirrored. */
  readonly crop: 'center' | 'ten';
  /** With `center`, the mirrored square too. */
  readonly flip: boolean;
  /** Width and height of the squares in pixels. */
  readonly size: number;
  /** Width of the square from which `ten` takes its crops, in widths of a crop. */
  readonly cropRange: number;
}

/** Variants of each image, V. */
export function variantsOf({ crop, flip }: CropOptions): number {
  return crop === 'ten' ? 10 : flip ? 2 : 1;
}

/**
 * The variants of an image as LlamaGen's extraction of codes makes them: the crop and, with `flip`, its mirror image; or ten
 * crops in the order of torchvision's TenCrop (top left, top right, bottom left, bottom right, middle, then these mirrored).
 */
export function cropVariants(image: RgbImage, { crop, flip, size, cropRange }: CropOptions): RgbImage[] {
  if (crop === 'center') {
    const square = centerSquare(image, size);
    return flip ? [square, mirrored(square)] : [square];
  }
  const square = centerSquare(image, Math.trunc(size * cropRange));
  const rest = square.width - size;
  const middle = roundHalfEven(rest / 2);
  const corners = [
    [0, 0],
    [0, rest],
    [rest, 0],
    [rest, rest],
    [middle, middle],
  ] as const;
  const crops = corners.map(([top, left]) => cut(square, top, left, size));
  return [...crops, ...crops.map(mirrored)];
}

/**
 * The middle of an image as a square of `size`, as ADM and LlamaGen crop. The image is halved by the mean of 2x2 pixels
 * while the shorter side is at least twice the size. Antialiased bicubic interpolation then resizes the shorter side to
 * the size.
 */
export function centerSquare(image: RgbImage, size: number): RgbImage {
  let halved = image;
  while (Math.min(halved.width, halved.height) >= 2 * size) {
    const [width, height] = [Math.floor(halved.width / 2), Math.floor(halved.height / 2)];
    halved = resizeBytes(halved, { width, height }, 'box');
  }
  const scale = size / Math.min(halved.width, halved.height);
  const [width, height] = [halved.width, halved.height].map((side) => roundHalfEven(side * scale)) as [number, number];
  const same = width === halved.width && height === halved.height;
  const resized = same ? halved : resizeBytes(halved, { width, height }, 'bicubic');
  return cut(resized, Math.floor((height - size) / 2), Math.floor((width - size) / 2), size);
}

/** Python's `round`: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function cut({ width, data }: RgbImage, top: number, left: number, size: number): RgbImage {
  const square = new Uint8Array(3 * size * size);
  for (let row = 0; row < size; row++) {
    const from = 3 * ((top + row) * width + left);
    square.set(data.subarray(from, from + 3 * size), 3 * row * size);
  }
  return { width: size, height: size, data: square };
}

function mirrored({ width, height, data }: RgbImage): RgbImage {
  const flipped = new Uint8Array(data.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = 3 * (row * width + column);
      flipped.set(data.subarray(from, from + 3), 3 * (row * width + width - 1 - column));
    }
  }
  return { width, height, data: flipped };
}
