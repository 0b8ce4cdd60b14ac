import type { KindsOf } from '@dpar/check';
import { EpochOrder } from '@dpar/images';
import { DparError, type HostTensorOf } from '@dpar/tensor';
import { imagesFromBytes } from '@dpar/tokenizer';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { checkArguments } from '../check-arguments.js';

/** Square pictures of a step. */
export interface PictureBatch {
  /** Numbers of the pictures, int32 [B]. */
  readonly images: Int32Array;
  /** Red, green and blue: bytes [B, S, S, 3]. */
  readonly pixels: Uint8Array;
}

/**
 * Pictures in the order in which they are read, epoch after epoch: those of a folder by `openImageSource` of @dpar/images, or
 * {@link memoryPictures}. A batch is a function of its step, so that a run can resume anywhere.
 */
export interface PictureSource {
  /** Pictures of an epoch, N. */
  readonly images: number;
  /** Digest of the pictures, by which a resumed run is checked. */
  readonly identity: string;
  /** Epoch of the first picture of a step, both counted from 0. */
  epochOf(step: number): number;
  /** Pictures of a step, counted from 0. */
  batch(step: number): Promise<PictureBatch>;
  close(): Promise<void>;
}

/** Options of {@link memoryPictures}. */
export interface MemoryPicturesOptions {
  /** Width and height in pixels, S. */
  readonly size: number;
  readonly batchSize: number;
  /** Seed of the order; without it, each epoch has the order of the bytes. */
  readonly seed?: number | undefined;
}

const optionsKinds: KindsOf<MemoryPicturesOptions> = { size: 'number', batchSize: 'number', 'seed?': 'number' };

/** Pictures in memory. @param pixels Bytes [N, S, S, 3]. @throws DparError if they are no whole pictures. */
export function memoryPictures(pixels: Uint8Array, options: MemoryPicturesOptions): PictureSource {
  checkArguments('memoryPictures', { pixels, options }, { pixels: 'Uint8Array', options: optionsKinds });
  const { size, batchSize, seed } = options;
  const bytes = 3 * size * size;
  const images = pixels.length / bytes;
  if (!Number.isInteger(images) || images === 0) {
    throw new DparError(
      `memoryPictures: expected bytes [N, ${size}, ${size}, 3] of at least one picture, got ${pixels.length} bytes. ` +
        "Correct 'size', or pass whole pictures.",
    );
  }
  const order = new EpochOrder(images, seed ?? 0, { shuffle: seed !== undefined });
  return {
    images,
    identity: `sha256:${bytesToHex(sha256(pixels))}`,
    epochOf: (step) => Math.floor((step * batchSize) / images),
    async batch(step) {
      const { images: taken } = order.visits(step * batchSize, batchSize);
      const batch = new Uint8Array(batchSize * bytes);
      for (const [i, image] of taken.entries()) {
        batch.set(pixels.subarray(image * bytes, (image + 1) * bytes), i * bytes);
      }
      return { images: taken, pixels: batch };
    },
    close: async () => {},
  };
}

/** Pictures as a model reads them: float32 [B, 3, S, S] in -1..1. */
export function picturesToImages(batch: PictureBatch): HostTensorOf<'float32'> {
  checkArguments('picturesToImages', { batch }, { batch: { images: 'Int32Array', pixels: 'Uint8Array', '*': 'any' } });
  const { images, pixels } = batch;
  const size = Math.round(Math.sqrt(pixels.length / (3 * images.length)));
  return imagesFromBytes(pixels, size, size);
}
