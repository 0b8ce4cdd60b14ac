import type { KindsOf } from '@dpar/check';
import type { ImageSet } from '../image-set.js';

/** A set of images on the disk. */
export interface StoredImageSet extends ImageSet {
  readonly path: string;
  /** Files of a folder that are no images. */
  readonly ignored: readonly string[];
  /** An image as people find it: its file, or its number in a file. */
  nameOf(index: number): string;
}

/** Kinds of {@link StoredImageSet}. */
export const storedImageSetKinds: KindsOf<StoredImageSet> = {
  path: 'string',
  ignored: 'string[]',
  nameOf: 'function',
  name: 'string',
  count: 'number',
  identity: 'string',
  read: 'function',
  '*': 'any',
};
