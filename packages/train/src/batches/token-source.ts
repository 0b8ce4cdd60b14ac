import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type Batch, sizeOfSet, type TokenSet, takeImages, tokenSetKinds } from './token-set.js';

/**
 * Tokenized images in any place. Only those of a batch are loaded into memory. N images of T tokens; each image has V
 * variants (crops and flips), of which each visit draws one.
 */
export interface TokenSource {
  /** N */
  readonly images: number;
  /** T */
  readonly tokensPerImage: number;
  /** V; 1 without variants */
  readonly variants: number;
  readonly hasEntropies: boolean;
  /**
   * Loads images, each in one of its variants, in this order.
   * @param images int32 [B], from 0 to N - 1
   * @param variants int32 [B], from 0 to V - 1
   * @returns A batch, with entropies if the source has them.
   * @throws DparError naming the file, if one cannot be read or is invalid.
   */
  load(images: Int32Array, variants: Int32Array): Promise<Batch>;
  /**
   * Reads the entropies of consecutive images in all variants, in nats: [count * V, T - 1], those of an image together.
   * @throws DparError if the source has none.
   */
  readEntropies(first: number, count: number): Promise<Float32Array>;
  /** Name of an image in messages, with its file: `image 7 ('codes/7.npy')`. */
  nameOf(image: number): string;
  /** Frees the source's resources. */
  close(): Promise<void>;
}

/** Kinds of {@link TokenSource}. */
export const tokenSourceKinds: KindsOf<TokenSource> = {
  images: 'number',
  tokensPerImage: 'number',
  variants: 'number',
  hasEntropies: 'boolean',
  load: 'function',
  readEntropies: 'function',
  nameOf: 'function',
  close: 'function',
  '*': 'any',
};

/** True for a source, false for a set in memory. */
export function isTokenSource(data: TokenSet | TokenSource): data is TokenSource {
  checkArguments('isTokenSource', { data }, { data: 'object' });

  return 'load' in data;
}

/** A source without variants that reads from a set in memory. */
export function createMemorySource(set: TokenSet): TokenSource {
  checkArguments('createMemorySource', { set }, { set: tokenSetKinds });

  const { images, tokensPerImage } = sizeOfSet(set);
  const predicted = tokensPerImage - 1;
  return {
    images,
    tokensPerImage,
    variants: 1,
    hasEntropies: set.entropies !== undefined,
    load: async (rows) => takeImages(set, rows),
    async readEntropies(first, count) {
      if (set.entropies === undefined) throw missingEntropies('createMemorySource');
      return set.entropies.data.subarray(first * predicted, (first + count) * predicted);
    },
    nameOf: (image) => `image ${image}`,
    close: async () => {},
  };
}

/** The source itself, or one that reads from a set. */
export function sourceOf(data: TokenSet | TokenSource): TokenSource {
  return isTokenSource(data) ? data : createMemorySource(data);
}

/** Error for data without the entropies that patches are made of. */
export function missingEntropies(caller: string): DparError {
  return new DparError(
    `${caller}: expected entropies beside the tokens, got none. Compute them with an entropy model: ` +
      "'data.entropy_checkpoint' of a training configuration, 'dpar entropy', or 'entropiesOfSet'.",
  );
}
