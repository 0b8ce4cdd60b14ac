import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createRandom } from '@dpar/tensor';
import { encode } from 'fast-png';
import type { RgbImage } from '../image-set.js';

/** Images of random pixels. */
export function randomImages(count: number, seed = 1, width = 4, height = 3): RgbImage[] {
  return Array.from({ length: count }, (_, k) => {
    const random = createRandom(seed, k);
    return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => random.integer(256)) };
  });
}

/** Writes images as PNG files. */
export async function writePngs(
  folder: string,
  images: readonly RgbImage[],
  nameOf: (i: number) => string,
): Promise<void> {
  for (const [i, { width, height, data }] of images.entries()) {
    const path = join(folder, nameOf(i));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, encode({ width, height, data, channels: 3, depth: 8 }));
  }
}

/** Bytes [N, H, W, 3] of images of one size. */
export function pixelsOf(images: readonly RgbImage[]): Uint8Array {
  return new Uint8Array(Buffer.concat(images.map(({ data }) => data)));
}
