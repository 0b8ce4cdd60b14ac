import type { KindsOf } from '@dpar/check';
/** An image: bytes [height, width, 3] of red, green and blue. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
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
   * @throws an error that names the image, if one cannot be read.
   */
  read(first: number, count: number): AsyncIterable<RgbImage>;
}

/** Kinds of {@link ImageSet}. */
export const imageSetKinds: KindsOf<ImageSet> = {
  name: 'string',
  count: 'number',
  identity: 'string',
  read: 'function',
  '*': 'any',
};
