import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, deflate } from 'node:zlib';
import type { ImageReading, RgbImage } from '@dpar/images';
import { checkImages, imageFormatOf, type StoredImageSet } from '@dpar/images/node';
import type { Context } from '../command/command.js';
import { withImageCheck } from '../images/options.js';

/** Descriptions of how the sizes were measured. */
export const encodings = {
  files: 'sizes of the PNG files',
  encoded: 'encoded as PNG: 8-bit RGB, filters by least sum of absolute differences, zlib level 9',
} as const;

/** Compressed sizes of images in bytes, in order. */
export interface ImageSizes {
  readonly bytes: Float64Array;
  readonly encoding: keyof typeof encodings;
}

/**
 * Measures images: the sizes of the files if all are PNG files, else the sizes after encoding as PNG with one setting.
 * @param reading Settings to read images that are encoded.
 * @throws DparError that names all images that cannot be read.
 */
export async function measureImages(set: StoredImageSet, reading: ImageReading, context: Context): Promise<ImageSizes> {
  const all = [{ start: 0, count: set.count }];
  await withImageCheck(set.path, reading, context, (options) => checkImages(set, all, options));
  const bytes = new Float64Array(set.count);
  const names = Array.from(bytes, (_, i) => set.nameOf(i));
  const sizes = await Promise.all(names.map((name) => pngFileSize(name)));
  if (sizes.every((size) => size !== undefined))
    return { bytes: bytes.map((_, i) => sizes[i] as number), encoding: 'files' };
  const progress = context.progress({ label: 'images', unit: 'images', total: set.count });
  try {
    let done = 0;
    for await (const image of set.read(0, set.count, reading)) {
      context.signal.throwIfAborted();
      bytes[done++] = await encodedPngSize(image);
      progress.update(done);
    }
  } finally {
    progress.stop();
  }
  return { bytes, encoding: 'encoded' };
}

/** Bytes of a PNG file with any name; undefined for other files. */
async function pngFileSize(path: string): Promise<number | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(64), 0, 64, 0);
    return imageFormatOf(buffer.subarray(0, bytesRead))?.name === 'PNG' ? (await file.stat()).size : undefined;
  } finally {
    await file.close();
  }
}

const compress = promisify(deflate);

/** Bytes of the signature, the header, the end, and the frame of the data. */
const frameBytes = 8 + 25 + 12 + 12;

/**
 * Bytes of an image as a PNG file with one data chunk. Each row has the filter whose differences, as signed bytes, have the
 * least sum of absolute values, as the PNG specification advises (12.8).
 */
export async function encodedPngSize({ width, height, data }: RgbImage): Promise<number> {
  const rowBytes = 3 * width;
  const filtered = new Uint8Array(height * (rowBytes + 1));
  const candidates = filters.map(() => new Uint8Array(rowBytes));
  let above: Uint8Array = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * rowBytes, (y + 1) * rowBytes);
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    for (const [filter, predict] of filters.entries()) {
      const candidate = candidates[filter] as Uint8Array;
      let sum = 0;
      for (let x = 0; x < rowBytes; x++) {
        const left = x < 3 ? 0 : (row[x - 3] as number);
        const corner = x < 3 ? 0 : (above[x - 3] as number);
        const difference = (row[x] as number) - predict(left, above[x] as number, corner);
        candidate[x] = difference;
        sum += Math.abs((difference << 24) >> 24);
      }
      if (sum < least) [best, least] = [filter, sum];
    }
    filtered[y * (rowBytes + 1)] = best;
    filtered.set(candidates[best] as Uint8Array, y * (rowBytes + 1) + 1);
    above = row;
  }
  const { length } = await compress(filtered, { level: constants.Z_BEST_COMPRESSION });
  return frameBytes + length;
}

/** Prediction of a byte by each filter from the bytes to the left, above, and above left (PNG specification, 9.2). */
const filters: readonly ((left: number, above: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, above) => above,
  (left, above) => (left + above) >> 1,
  (left, above, corner) => {
    const [toLeft, toAbove, toCorner] = [above - corner, left - corner, left + above - 2 * corner].map(Math.abs) as [
      number,
      number,
      number,
    ];
    if (toLeft <= toAbove && toLeft <= toCorner) return left;
    return toAbove <= toCorner ? above : corner;
  },
];
