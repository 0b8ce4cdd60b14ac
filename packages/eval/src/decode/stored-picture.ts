import type { ImageReading, Rgb, RgbImage } from '../image-set.js';

/** An image as its file holds it, before it is turned upright or put on a background. */
export interface StoredPicture extends RgbImage {
  /** Opacity of each pixel, bytes [height, width]; undefined if the file has none. Colours are as stored, not multiplied by it. */
  readonly alpha?: Uint8Array;
  /** EXIF orientation, 1 to 8: 1 for a picture that is upright. */
  readonly orientation: number;
}

/** Whether any pixel lets the background through. */
export function isTransparent({ alpha }: StoredPicture): boolean {
  return alpha?.some((value) => value < 255) ?? false;
}

/** An image as a reading asks for it, in 8-bit RGB. */
export function rgbOf(picture: StoredPicture, { orientation = 'upright', background }: ImageReading): RgbImage {
  const { width, height, data, alpha } = orientation === 'upright' ? turnUpright(picture) : picture;
  return { width, height, data: alpha && background ? onBackground(data, alpha, background) : data };
}

/** Colours over a background, each rounded to the nearest byte as Pillow's `alpha_composite` does. */
function onBackground(data: Uint8Array, alpha: Uint8Array, background: Rgb): Uint8Array {
  const blended = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const opacity = alpha[Math.floor(i / 3)] as number;
    blended[i] = Math.round(((data[i] as number) * opacity + (background[i % 3] as number) * (255 - opacity)) / 255);
  }
  return blended;
}

/** The picture as its EXIF orientation says that it is to be seen, as by Pillow's `exif_transpose`. */
export function turnUpright(picture: StoredPicture): StoredPicture {
  const { width, height, data, alpha, orientation } = picture;
  if (orientation === 1) return picture;
  const [turnedWidth, turnedHeight] = orientation >= 5 ? [height, width] : [width, height];
  return {
    ...{ width: turnedWidth, height: turnedHeight, orientation: 1 },
    data: turn(data, 3, width, height, orientation),
    ...(alpha && { alpha: turn(alpha, 1, width, height, orientation) }),
  };
}

/** [H, W, channels] -> the same pixels in another order. */
function turn(data: Uint8Array, channels: number, W: number, H: number, orientation: number): Uint8Array {
  const swapped = orientation >= 5;
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const [width, height] = swapped ? [H, W] : [W, H];
  const turned = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = swapped ? [y, x] : [x, y];
      const from = channels * ((fromBottom ? H - 1 - row : row) * W + (fromRight ? W - 1 - column : column));
      for (let channel = 0; channel < channels; channel++) turned[to++] = data[from + channel] as number;
    }
  }
  return turned;
}
