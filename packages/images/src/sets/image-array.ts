import { formatStoredType } from '@dpar/io';
import { type ArrayReader, fileDigest, formatDigest, openNpy, openNpz } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { cropVariants } from '../crop/crops.js';
import type { RgbImage } from '../image-set.js';
import type { StoredImageSet } from './stored-image-set.js';

/** Name of the images in ADM's sample batches. */
export const imageArray = 'arr_0';

/** Checks that an array holds images: uint8 [N, H, W, 3]. */
export function isImageArray(array: ArrayReader): boolean {
  checkArguments('isImageArray', { array }, { array: { type: 'object', '*': 'any' } });
  const { dtype, shape } = array.type;
  return dtype === 'U8' && shape.length === 4 && shape[3] === 3 && shape.every((size) => size > 0);
}

/**
 * Opens images in one file as a set: an ADM sample batch (`.npz` with `arr_0`), or an `.npy` file. The array is uint8
 * [N, H, W, 3], stored or deflated, in C or Fortran order. Files of any size are read in pieces. The identity is a digest of the
 * file.
 *
 * @throws DparError if the file holds no images; see also `openNpz`.
 */
export async function openImageArray(path: string): Promise<StoredImageSet> {
  checkArguments('openImageArray', { path }, { path: 'string' });
  const type = await withArray(path, async (array) => array.type);
  const [count = 0, height = 0, width = 0] = type.shape;
  return {
    name: path,
    path,
    count,
    identity: formatDigest(await fileDigest(path)),
    ignored: [],
    nameOf: (index) => `image ${index} of '${path}'`,
    read: (first, length) => readImages(path, width, height, first, length),
    async *readCrops(first, length, crops) {
      for await (const image of readImages(path, width, height, first, length)) yield cropVariants(image, crops);
    },
    close: async () => {},
  };
}

async function withArray<V>(path: string, use: (array: ArrayReader) => Promise<V>): Promise<V> {
  const file = await openArray(path);
  try {
    return await use(file.array);
  } finally {
    await file.close();
  }
}

async function openArray(path: string): Promise<{ array: ArrayReader; close(): Promise<void> }> {
  const isNpz = !path.endsWith('.npy');
  const file = isNpz ? await openNpz(path) : await openNpy(path);
  const array = 'arrays' in file ? file.arrays.get(imageArray) : file;
  if (array !== undefined && isImageArray(array)) return { array, close: () => file.close() };
  await file.close();
  const got = array === undefined ? 'none' : formatStoredType(array.type);
  throw new DparError(
    `openImageArray: expected images U8[N, H, W, 3]${isNpz ? ` as ${imageArray}` : ''} in '${path}', got ${got}. ` +
      'Pass an ADM sample batch. Features are passed as .npy [N, D], or under the name pool.',
  );
}

async function* readImages(
  path: string,
  width: number,
  height: number,
  first: number,
  count: number,
): AsyncGenerator<RgbImage> {
  const { array, close } = await openArray(path);
  try {
    const size = width * height * 3;
    for await (const { bytes } of array.rows(first, count)) {
      for (let at = 0; at < bytes.length; at += size) yield { width, height, data: bytes.subarray(at, at + size) };
    }
  } finally {
    await close();
  }
}
