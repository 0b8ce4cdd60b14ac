import { DparError, float32, int32 } from '@dpar/tensor';
import type { TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { fileOf, type TensorName, type TokenLayout, tokenLayoutKinds } from './layout.js';
import { type Place, readPlaces } from './read-places.js';

/** A source on disk. */
export interface DiskSource extends TokenSource {
  readonly layout: TokenLayout;
  /** Reads the tokens of consecutive images in all variants: [count * V, T], those of an image together. */
  readTokens(first: number, count: number): Promise<Int32Array>;
}

/** A source that reads images from disk. The calling thread waits for the disk; see `createWorkerSource`. */
export function createDiskSource(layout: TokenLayout): DiskSource {
  checkArguments('createDiskSource', { layout }, { layout: tokenLayoutKinds });

  const { images: N, variants: V, tokensPerImage: T, wordsPerImage: W } = layout;

  /** Places of rows of `width` elements, one for each image, in the given variants. */
  const placesOf = (tensor: TensorName, width: number, images: Int32Array, variants?: Int32Array): Place[] =>
    Array.from(images, (image, i) => {
      if (!(image >= 0 && image < N))
        throw new DparError(
          `createDiskSource: expected images from 0 to ${N - 1}, got ${image}. Use images of the set.`,
        );
      const file = fileOf(layout, tensor, image);
      const from = (image - file.first) * file.perImage + (variants?.[i] ?? 0) * width;
      return { file, from, to: i * width, count: width };
    });

  const consecutive = (first: number, count: number) => Int32Array.from({ length: count }, (_, i) => first + i);

  return {
    layout,
    images: N,
    variants: V,
    tokensPerImage: T,
    hasEntropies: layout.entropies !== undefined,
    async load(images, variants) {
      const wrong = variants.find((variant) => !(variant >= 0 && variant < V));
      if (wrong !== undefined)
        throw new DparError(
          `createDiskSource: expected variants from 0 to ${V - 1}, got ${wrong}. Use variants of the set.`,
        );
      const B = images.length;
      const tokens = readPlaces(placesOf('tokens', T, images, variants), new Int32Array(B * T));
      const labels = readPlaces(placesOf('labels', W, images), new Int32Array(B * W));
      const entropies =
        layout.entropies && readPlaces(placesOf('entropies', T - 1, images, variants), new Float32Array(B * (T - 1)));
      // Waits for all, so that a failure leaves no open file.
      await Promise.allSettled([tokens, labels, entropies]);
      const batch = {
        images,
        tokens: int32([B, T], await tokens),
        labels: int32(W === 1 ? [B] : [B, W], await labels),
      };
      return entropies === undefined ? batch : { ...batch, entropies: float32([B, T - 1], await entropies) };
    },
    readTokens(first, count) {
      const width = V * T;
      return readPlaces(placesOf('tokens', width, consecutive(first, count)), new Int32Array(count * width));
    },
    async readEntropies(first, count) {
      if (layout.entropies === undefined) {
        throw new DparError(
          `createDiskSource: expected entropies for '${layout.path}', got none. Compute them with 'dpar entropy'.`,
        );
      }
      const width = V * (T - 1);
      return readPlaces(placesOf('entropies', width, consecutive(first, count)), new Float32Array(count * width));
    },
    nameOf: (image) => `image ${image} ('${fileOf(layout, 'tokens', image).path}')`,
    close: async () => {},
  };
}
