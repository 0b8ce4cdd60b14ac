import type { KindsOf } from '@dpar/check';
import type { ModelKind } from '@dpar/nn';
import type { Engine, HostTensor, HostTensorOf, TensorFunction, Tensors } from '@dpar/tensor';
import type { TokenizerTraining } from './training/training-kind.js';

/**
 * An image tokenizer on an engine: images to grids of discrete codes, and back. B images of H x W pixels have T = H W /
 * factor^2 codes each. The factor must divide H and W.
 */
export interface ImageTokenizer {
  /** Number of different codes, V: codes are 0..V - 1. */
  readonly codebookSize: number;
  /** Pixels for each code, in both directions. */
  readonly factor: number;
  /** Width and height in pixels of the training images. */
  readonly imageSize: number;
  /** Rows and columns of the grid of codes of such an image. */
  readonly gridSize: number;
  /**
   * Encodes images.
   * @param images [B, 3, H, W], red, green and blue in -1..1: see `imagesFromBytes`.
   * @returns Codes in raster order, [B, T].
   */
  encode(images: HostTensorOf<'float32'>): Promise<HostTensorOf<'int32'>>;
  /**
   * Decodes codes.
   * @param codes [B, rows, columns], or [B, T] of square images
   * @returns [B, 3, H, W] in about -1..1, not clipped: see `bytesFromImages`.
   */
  decode(codes: HostTensorOf<'int32'>): Promise<HostTensorOf<'float32'>>;
  /** Frees the compiled functions. */
  dispose(): Promise<void>;
}

/** Handling of large images, for tokenizers with tiles. Other tokenizers ignore it. */
export interface TokenizerOptions {
  /**
   * Width and height in pixels of the tiles of larger images (default 512). Tiles bound the memory of all levels but the
   * coarsest.
   */
  readonly tilePixels?: number | undefined;
  /** Smallest overlap of neighbouring tiles in pixels (default: a quarter of a tile). */
  readonly overlapPixels?: number | undefined;
}

/** Kinds of {@link TokenizerOptions}. */
export const tokenizerOptionsKinds: KindsOf<TokenizerOptions> = { 'tilePixels?': 'number', 'overlapPixels?': 'number' };

/** Keys that the configurations of all tokenizers have. */
export interface TokenizerConfig {
  /** Width and height in pixels of the training images. */
  readonly imageSize: number;
  /** Number of codes K. */
  readonly codebookSize: number;
}

/** A kind of tokenizer: images to codes and back. */
export interface TokenizerKind<C extends TokenizerConfig = TokenizerConfig> extends ModelKind<C> {
  /** Returns the pixels for each code, in both directions. */
  pixelsPerCode(config: C): number;
  /** Makes the function from `image` to `codes`, and `latent` if {@link TokenizerKind.hasLatents}. */
  encodeFunction(config: C): TensorFunction;
  /** Makes the function from `codes` to `image`. */
  decodeFunction(config: C): TensorFunction;
  /** True if encoding also gives `latent`, the encoder's output before the codes are looked up. */
  readonly hasLatents: boolean;
  /** Creates the tokenizer on an engine, from parameters that fit the configuration. */
  create(engine: Engine, config: C, parameters: Tensors<HostTensor>, options?: TokenizerOptions): ImageTokenizer;
  /** Functions that its training needs. A kind without it is not trained. */
  readonly training?: TokenizerTraining<C>;
}
