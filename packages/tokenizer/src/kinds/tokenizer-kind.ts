import type { KindsOf } from '@dpar/check';
import type { ModelKind } from '@dpar/nn';
import type { Engine, HostTensor, TensorFunction, Tensors } from '@dpar/tensor';
import type { ImageTokenizer } from '../image-tokenizer.js';

/** Keys that the configurations of all tokenizers have. */
export interface TokenizerConfig {
  /** Width and height in pixels of the images that the tokenizer was trained on. */
  readonly imageSize: number;
  /** Number of codes K. */
  readonly codebookSize: number;
}

/** Handling of large images. */
export interface TokenizerOptions {
  /**
   * Images that are wider or higher than this many pixels are cut into tiles of this size, by tokenizers that have tiles
   * (default 512). It bounds the memory of everything that runs at more than one cell a code.
   */
  readonly tilePixels?: number | undefined;
  /** Smallest overlap of neighbouring tiles in pixels (default: a quarter of a tile). */
  readonly overlapPixels?: number | undefined;
}

/** Kinds of {@link TokenizerOptions}. */
export const tokenizerOptionsKinds: KindsOf<TokenizerOptions> = { 'tilePixels?': 'number', 'overlapPixels?': 'number' };

/** A kind of tokenizer: images to codes and back. */
export interface TokenizerKind<C extends TokenizerConfig = TokenizerConfig> extends ModelKind<C> {
  /** Pixels for each code in both directions. */
  pixelsPerCode(config: C): number;
  /** Computes `codes` from `image`, and perhaps `latent`, the encoder's output before codes are looked up. */
  encodeFunction(config: C): TensorFunction;
  /** Computes `image` from `codes`. */
  decodeFunction(config: C): TensorFunction;
  /** Whether {@link TokenizerKind.encodeFunction} has the output `latent`. */
  readonly hasLatents: boolean;
  /** The tokenizer on an engine. @throws DparError if the parameters are not those of the configuration. */
  create(engine: Engine, config: C, parameters: Tensors<HostTensor>, options?: TokenizerOptions): ImageTokenizer;
}
