import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** An image in memory: bytes [height, width, 3] of red, green and blue. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Red, green and blue, 0..255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Conversion of image files to RGB. */
export interface ImageReading {
  /**
   * `upright` (default): turned and mirrored according to the file's EXIF orientation. `stored`: the pixels as stored, as
   * most evaluators read them. TIFF and AVIF files are always upright.
   */
  readonly orientation?: 'upright' | 'stored' | undefined;
  /** Colour behind transparent pixels. Default: transparency is dropped and the colours under it show. */
  readonly background?: Rgb | undefined;
}

export const imageReadingKinds = {
  'orientation?': "'upright' | 'stored'",
  'background?': 'number[]',
} as const satisfies KindsOf<ImageReading>;

/**
 * Checks the background of a reading.
 * @param caller Name of the function, for the error message.
 * @throws DparError if it is not a colour in bytes.
 */
export function checkBackground(caller: string, reading: ImageReading): void {
  checkArguments('checkBackground', { caller, reading }, { caller: 'string', reading: imageReadingKinds });
  const { background } = reading;
  if (background === undefined) return;
  const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 255;
  if (background.length === 3 && background.every(isByte)) return;
  throw new DparError(
    `${caller}: expected 'background' to be red, green and blue from 0 to 255, got [${Array.from(background as readonly number[]).join(', ')}]. ` +
      'Pass three whole numbers, such as [255, 255, 255] for white.',
  );
}

/** Result of the inspection of an image. */
export interface ImageInspection {
  /** Display name: its file. */
  readonly name: string;
  /** Reason why the image cannot be read. Undefined for readable images. */
  readonly damage: string | undefined;
  /** True if the file's EXIF orientation turns or mirrors the stored pixels. */
  readonly isTurned: boolean;
  /** True if a pixel is not opaque. */
  readonly isTransparent: boolean;
}

export const rgbImageKinds = {
  width: 'number',
  height: 'number',
  data: 'Uint8Array',
  '*': 'any',
} as const satisfies KindsOf<RgbImage>;

/** Images in a fixed order, read on demand. */
export interface ImageSet {
  /** Display name: the folder or file. */
  readonly name: string;
  /** Number of images. */
  readonly count: number;
  /** Key of cached features: differs if the images differ. */
  readonly identity: string;
  /**
   * Reads images `first` to `first + count - 1`, in order.
   * @param reading Conversion of files to RGB. A set may have its own default.
   * @throws an error that names the image, if one cannot be read.
   */
  read(first: number, count: number, reading?: ImageReading): AsyncIterable<RgbImage>;
  /** Inspects images without keeping them. Undefined if all images lie in one file. */
  readonly inspect?: ((first: number, count: number) => AsyncIterable<ImageInspection>) | undefined;
}

export const imageSetKinds = {
  name: 'string',
  count: 'number',
  identity: 'string',
  read: 'function',
  'inspect?': 'function',
  '*': 'any',
} as const satisfies KindsOf<ImageSet>;
