import type { ImageReading, Rgb, RgbImage } from '../image-set.js';

/** An image as stored in its file, before it is turned upright or put on a background. */
export interface StoredPicture extends RgbImage {
  /** Opacity [height, width] in bytes. Undefined if the file has none. Colours are not multiplied by it. */
  readonly alpha: Uint8Array | undefined;
  /** EXIF orientation, 1 to 8. An upright picture has 1. */
  readonly orientation: number;
}

/** Checks for a pixel that is not opaque. */
export function isTransparent({ alpha }: StoredPicture): boolean {
  return alpha?.some((value) => value < 255) ?? false;
}

/** Converts a picture to 8-bit RGB. */
export function rgbOf(picture: StoredPicture, { orientation = 'upright', background }: ImageReading): RgbImage {
  const { width, height, data, alpha } = orientation === 'upright' ? turnUpright(picture) : picture;
  return { width, height, data: alpha && background ? onBackground(data, alpha, background) : data };
}

/** Puts colours on a background, rounded to the nearest byte as by Pillow's `alpha_composite`. */
function onBackground(data: Uint8Array, alpha: Uint8Array, background: Rgb): Uint8Array {
  const blended = new Uint8Array(data.length);
  for (let i = 0, at = 0; i < alpha.length; i++) {
    const opacity = alpha[i] as number;
    for (let c = 0; c < 3; c++, at++) {
      blended[at] = Math.round(((data[at] as number) * opacity + (background[c] as number) * (255 - opacity)) / 255);
    }
  }
  return blended;
}

/** Turns a picture upright by its EXIF orientation, as Pillow's `exif_transpose` does. */
export function turnUpright(picture: StoredPicture): StoredPicture {
  const { width, height, data, alpha, orientation } = picture;
  if (orientation === 1) return picture;
  const isSideways = orientation >= 5;
  return {
    width: isSideways ? height : width,
    height: isSideways ? width : height,
    orientation: 1,
    data: turn(data, 3, width, height, orientation),
    alpha: alpha && turn(alpha, 1, width, height, orientation),
  };
}

/** Reorders pixels [H, W, channels], of 1 or 3 channels, by an EXIF orientation. */
function turn(data: Uint8Array, channels: 1 | 3, W: number, H: number, orientation: number): Uint8Array {
  const swapped = orientation >= 5;
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const [width, height] = swapped ? [H, W] : [W, H];
  // Distances in the stored picture between neighbours in its row, and in its column.
  const alongRow = fromRight ? -channels : channels;
  const alongColumn = (fromBottom ? -channels : channels) * W;
  const corner = channels * ((fromBottom ? (H - 1) * W : 0) + (fromRight ? W - 1 : 0));
  const [toRight, down] = swapped ? [alongColumn, alongRow] : [alongRow, alongColumn];
  const turned = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y++) {
    let from = corner + y * down;
    for (let x = 0; x < width; x++, from += toRight) {
      turned[to++] = data[from] as number;
      if (channels === 1) continue;
      turned[to++] = data[from + 1] as number;
      turned[to++] = data[from + 2] as number;
    }
  }
  return turned;
}
