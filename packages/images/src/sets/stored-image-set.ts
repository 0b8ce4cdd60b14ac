import type { KindsOf } from '@dpar/check';
import type { CropOptions } from '../crop/crops.js';
import { type ImageReading, type ImageSet, imageSetKinds, type RgbImage } from '../image-set.js';

/** File of an image in a folder. */
export interface ImageFile {
  /** Path relative to the folder, with slashes. */
  readonly path: string;
  /** Size of the file. */
  readonly bytes: number;
  /** First 16 hexadecimal digits of the SHA-256 of its content. Undefined if the content was not read. */
  readonly digest?: string | undefined;
}

/** A set of images on disk. */
export interface StoredImageSet extends ImageSet {
  readonly path: string;
  /** File of each image. Undefined for images in one file. */
  readonly files?: readonly ImageFile[] | undefined;
  /** Names of the direct subfolders, sorted by code point, also of those without images. They are the classes, if any. */
  readonly folders?: readonly string[];
  /** Files of a folder that are not images, and system entries. */
  readonly ignored: readonly string[];
  /** Display name of an image: its file, or its number in a file. */
  nameOf(index: number): string;
  /**
   * Reads images `first` to `first + count - 1` and crops each, in order.
   * @returns The variants of each image; see `cropVariants`.
   */
  readCrops(
    first: number,
    count: number,
    crops: CropOptions,
    reading?: ImageReading,
  ): AsyncIterable<readonly RgbImage[]>;
  /** Ends the threads of the set, if it has some. */
  close(): Promise<void>;
}

export const storedImageSetKinds = {
  path: 'string',
  ignored: 'string[]',
  nameOf: 'function',
  readCrops: 'function',
  close: 'function',
  ...imageSetKinds,
  'files?': 'object[]',
  'folders?': 'string[]',
} as const satisfies KindsOf<StoredImageSet>;
