import { createRandom } from '@dpar/tensor';
import { type ImageSet, imageAt, imageSize } from './images.js';

/** Classes with writing or with a left and a right side: these are not mirrored. */
const oneSided = ['Flags', 'Symbols'];

/** Largest shift in pixels. */
const reach = 2;

/**
 * Adds changed copies of images, so that long runs overfit later. A copy is shifted by up to two pixels, and mirrored at
 * random unless its class is one-sided.
 * @param copies Copies of each image, the first of which is unchanged.
 */
export function augment(images: ImageSet, classes: readonly string[], copies: number, seed: number): ImageSet {
  const count = images.labels.length;
  const pixels = new Uint8Array(images.pixels.length * copies).fill(255);
  pixels.set(images.pixels);
  const random = createRandom(seed, 3);
  for (let i = count; i < count * copies; i++) {
    const isOneSided = oneSided.includes(classes[images.labels[i % count] as number] ?? '');
    const [right, down] = [random.integer(2 * reach + 1) - reach, random.integer(2 * reach + 1) - reach];
    const mirrored = random.integer(2) === 1 && !isOneSided;
    copyShifted(imageAt(images.pixels, i % count), imageAt(pixels, i), right, down, mirrored);
  }
  return {
    pixels,
    labels: Int32Array.from({ length: count * copies }, (_, i) => images.labels[i % count] as number),
    names: Array.from({ length: count * copies }, (_, i) => images.names[i % count] as string),
  };
}

/** Copies an image onto a white one, shifted and perhaps mirrored. */
function copyShifted(from: Uint8Array, to: Uint8Array, right: number, down: number, mirrored: boolean): void {
  for (let y = Math.max(0, down); y < Math.min(imageSize, imageSize + down); y++) {
    for (let x = Math.max(0, right); x < Math.min(imageSize, imageSize + right); x++) {
      const column = mirrored ? imageSize - 1 - (x - right) : x - right;
      const source = 3 * ((y - down) * imageSize + column);
      to.set(from.subarray(source, source + 3), 3 * (y * imageSize + x));
    }
  }
}
