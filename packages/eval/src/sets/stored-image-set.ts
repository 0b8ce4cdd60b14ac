import type { KindsOf } from '@dpar/check';
import { type ImageSet, imageSetKinds } from '../image-set.js';

/** The file of an image in a folder. */
export interface ImageFile {
  /** Its path from the folder, with slashes. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** 16 hexadecimal digits of the SHA-256 of what it holds, where that is read. */
  readonly digest?: string;
}

/** A set of images on the disk. */
export interface StoredImageSet extends ImageSet {
  readonly path: string;
  /** The file of each image; undefined for images in one file. */
  readonly files?: readonly ImageFile[];
  /** Names of the folders directly in a folder, also of those without images, by code point: its classes, if it has any. */
  readonly folders?: readonly string[];
  /** Files of a folder that are no images, and entries of the system. */
  readonly ignored: readonly string[];
  /** An image as people find it: its file, or its number in a file. */
  nameOf(index: number): string;
}

/** Kinds of {@link StoredImageSet}. */
export const storedImageSetKinds: KindsOf<StoredImageSet> = {
  path: 'string',
  ignored: 'string[]',
  nameOf: 'function',
  ...imageSetKinds,
  'files?': 'object[]',
  'folders?': 'string[]',
};
