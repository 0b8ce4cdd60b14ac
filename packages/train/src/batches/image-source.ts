import { createHash } from 'node:crypto';
import { DparError, float32, type HostTensorOf } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { randomStream } from './batch-order.js';

/** Square pictures as a tokenizer reads them: float32 [B, 3, S, S], red, green and blue in -1..1. */
export type PictureBatch = HostTensorOf<'float32'>;

/** Pictures in the order of their training. A batch is a function of its step, so that a run can resume. */
export interface TrainingPictures {
  /** Pictures of an epoch, N. */
  readonly images: number;
  /** Width and height in pixels, S. */
  readonly size: number;
  /** Digest of the pictures, by which a resumed run is checked. */
  readonly digest: string;
  /** Pictures of a step, counted from 0. May load those of the next steps ahead. */
  batch(step: number): Promise<PictureBatch>;
  close(): Promise<void>;
}

/** Pictures in a fixed order, such as those of a validation. */
export interface PictureList {
  /** Number of pictures, N. */
  readonly images: number;
  readonly size: number;
  readonly digest: string;
  /** Pictures number `first` to `first + count - 1`. */
  load(first: number, count: number): Promise<PictureBatch>;
  close(): Promise<void>;
}

/** Pictures in memory, as training data and as a list. Each epoch has an order of its own, which the seed decides. */
export function memoryPictures(
  pixels: Uint8Array,
  { size, batchSize, seed }: { readonly size: number; readonly batchSize: number; readonly seed: number },
): TrainingPictures & PictureList {
  checkArguments(
    'memoryPictures',
    { pixels, size, batchSize, seed },
    { pixels: 'Uint8Array', size: 'number', batchSize: 'number', seed: 'number' },
  );
  const bytes = 3 * size * size;
  const images = pixels.length / bytes;
  if (!Number.isInteger(images) || images === 0) {
    throw new DparError(
      `memoryPictures: expected bytes [N, ${size}, ${size}, 3] of at least one picture, got ${pixels.length} bytes. ` +
        "Correct 'size', or pass whole pictures.",
    );
  }
  const take = (places: ArrayLike<number>): PictureBatch => {
    const data = new Float32Array(places.length * bytes);
    for (let b = 0; b < places.length; b++) {
      writePicture(
        pixels.subarray((places[b] as number) * bytes, ((places[b] as number) + 1) * bytes),
        data,
        b * bytes,
      );
    }
    return float32([places.length, 3, size, size], data);
  };
  return {
    images,
    size,
    digest: `sha256:${createHash('sha256').update(pixels).digest('hex')}`,
    async batch(step) {
      return take(Int32Array.from({ length: batchSize }, (_, i) => placeAt(step * batchSize + i, images, seed)));
    },
    load: async (first, count) => take(Int32Array.from({ length: count }, (_, i) => first + i)),
    close: async () => {},
  };
}

/** Picture at a place in the sequence of all epochs. */
function placeAt(place: number, images: number, seed: number): number {
  const epoch = Math.floor(place / images);
  return randomStream(seed, 'imageOrder', epoch).permutation(images)[place % images] as number;
}

/** Writes a picture of bytes [S, S, 3] as planes in -1..1. */
function writePicture(bytes: Uint8Array, planes: Float32Array, start: number): void {
  const area = bytes.length / 3;
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) {
      planes[start + channel * area + i] = (bytes[3 * i + channel] as number) / 127.5 - 1;
    }
  }
}
