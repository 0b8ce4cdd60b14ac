import { checkArguments } from '../check-arguments.js';
import { type Rgb, type RgbImage, rgbImageKinds } from '../image-set.js';
import { resizeBytes } from '../resize/resize-bytes.js';

/** White, the colour beside a fitted image unless another is given. */
const white: Rgb = [255, 255, 255];

/**
 * The middle of an image as a square of `size`, as ADM and LlamaGen crop: antialiased interpolation brings the shorter side to the
 * size.
 * @throws DparError if the image is empty or its bytes do not match its size.
 */
export function centerSquare(image: RgbImage, size: number): RgbImage {
  checkArguments('centerSquare', { image, size }, { image: rgbImageKinds, size: 'number' });
  const resized = withShorterSide(image, size);
  return cutSquare(resized, Math.floor((resized.height - size) / 2), Math.floor((resized.width - size) / 2), size);
}

/**
 * The whole image in the middle of a square of `size`. Its longer side is resized to the size as by {@link centerSquare}, and the
 * rest has the colour of the background.
 * @param background Default: white.
 * @throws DparError if the image is empty or its bytes do not match its size.
 */
export function fittedSquare(image: RgbImage, size: number, background: Rgb = white): RgbImage {
  checkArguments(
    'fittedSquare',
    { image, size, background },
    { image: rgbImageKinds, size: 'number', 'background?': 'number[]' },
  );
  const halved = halve(image, size, Math.max);
  const { width, height, data } = scale(halved, size / Math.max(halved.width, halved.height));
  const square = new Uint8Array(3 * size * size);
  for (let i = 0; i < square.length; i++) square[i] = background[i % 3] as number;
  const [top, left] = [Math.floor((size - height) / 2), Math.floor((size - width) / 2)];
  for (let row = 0; row < height; row++) {
    square.set(data.subarray(3 * row * width, 3 * (row + 1) * width), 3 * ((top + row) * size + left));
  }
  return { width: size, height: size, data: square };
}

/**
 * Resizes an image so that its shorter side has `side` pixels, as ADM does. The image is halved by the mean of 2x2 pixels while
 * the shorter side is at least twice as long. Antialiased bicubic interpolation does the rest.
 */
export function withShorterSide(image: RgbImage, side: number): RgbImage {
  const halved = halve(image, side, Math.min);
  return scale(halved, side / Math.min(halved.width, halved.height));
}

/** Halves an image while one of its sides is at least twice as long as `side`. */
export function halve(image: RgbImage, side: number, sideOf: (width: number, height: number) => number): RgbImage {
  let halved = image;
  while (sideOf(halved.width, halved.height) >= 2 * side && Math.min(halved.width, halved.height) >= 2) {
    const [width, height] = [Math.floor(halved.width / 2), Math.floor(halved.height / 2)];
    halved = resizeBytes(halved, { width, height }, 'box');
  }
  return halved;
}

function scale(image: RgbImage, factor: number): RgbImage {
  const [width, height] = [image.width, image.height].map((side) => Math.max(1, roundHalfEven(side * factor))) as [
    number,
    number,
  ];
  const same = width === image.width && height === image.height;
  return same ? image : resizeBytes(image, { width, height }, 'bicubic');
}

/** Python's `round`: halves go to the even neighbour. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Cuts a square out of an image. */
export function cutSquare({ width, data }: RgbImage, top: number, left: number, size: number): RgbImage {
  const square = new Uint8Array(3 * size * size);
  for (let row = 0; row < size; row++) {
    const from = 3 * ((top + row) * width + left);
    square.set(data.subarray(from, from + 3 * size), 3 * row * size);
  }
  return { width: size, height: size, data: square };
}

/** The mirror image, left and right exchanged. */
export function mirrored({ width, height, data }: RgbImage): RgbImage {
  const flipped = new Uint8Array(data.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = 3 * (row * width + column);
      flipped.set(data.subarray(from, from + 3), 3 * (row * width + width - 1 - column));
    }
  }
  return { width, height, data: flipped };
}
