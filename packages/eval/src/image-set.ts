import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';

/** An image: bytes [height, width, 3] of red, green and blue. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Red, green and blue, 0..255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** How image files become RGB. */
export interface ImageReading {
  /**
   * `upright` (default): turned and mirrored as the file's EXIF orientation says. `stored`: the pixels as they lie in the
   * file, as most evaluators read them. TIFF and AVIF files are upright either way.
   */
  readonly orientation?: 'upright' | 'stored' | undefined;
  /** Colour behind transparent pixels. Default: transparency is dropped, and the colours under it show. */
  readonly background?: Rgb | undefined;
}

/** Kinds of {@link ImageReading}. */
export const imageReadingKinds: KindsOf<ImageReading> = {
  'orientation?': "'upright' | 'stored'",
  'background?': 'number[]',
};

/** @throws DparError if the background is no colour in bytes. */
export function checkBackground(caller: string, { background }: ImageReading): void {
  if (background === undefined) return;
  const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 255;
  if (background.length === 3 && background.every(isByte)) return;
  throw new DparError(
    `${caller}: expected 'background' to be red, green and blue from 0 to 255, got [${Array.from(background as readonly number[]).join(', ')}]. ` +
      'Pass three whole numbers, such as [255, 255, 255] for white.',
  );
}

/** What a look at an image finds. */
export interface ImageInspection {
  /** For people: its file. */
  readonly name: string;
  /** Why it cannot be read; undefined if it can. */
  readonly damage: string | undefined;
  /** The file's pixels lie turned or mirrored, as its EXIF orientation says. */
  readonly isTurned: boolean;
  /** Some pixels let a background through. */
  readonly isTransparent: boolean;
}
/** Kinds of {@link RgbImage}. */
export const rgbImageKinds: KindsOf<RgbImage> = { width: 'number', height: 'number', data: 'Uint8Array', '*': 'any' };

/** Images in a fixed order, read as they are needed. */
export interface ImageSet {
  /** For people: the folder or file. */
  readonly name: string;
  /** Number of images. */
  readonly count: number;
  /** Differs where the images differ: what caches of features are found by. */
  readonly identity: string;
  /**
   * Images `first` to `first + count - 1`, in order.
   * @param reading How files become RGB; a set may have a default of its own.
   * @throws an error that names the image, if one cannot be read.
   */
  read(first: number, count: number, reading?: ImageReading): AsyncIterable<RgbImage>;
  /** Looks at images without keeping them; missing where images cannot be damaged one by one. */
  readonly inspect?: ((first: number, count: number) => AsyncIterable<ImageInspection>) | undefined;
}

/** Kinds of {@link ImageSet}. */
export const imageSetKinds: KindsOf<ImageSet> = {
  name: 'string',
  count: 'number',
  identity: 'string',
  read: 'function',
  'inspect?': 'function',
  '*': 'any',
};
