import {
  argumentKinds,
  described,
  type Field,
  type Fields,
  optional,
  readConfig,
  trueOrFalse,
  wholeNumber,
} from '@dpar/nn';
import { DparError } from '@dpar/tensor';

/** Configuration of LlamaGen's VQ tokenizer. */
export interface VqConfig {
  /** Channels of the finest level. */
  readonly ch: number;
  /** Channels of each level in multiples of `ch`, the finest first. Each level but the first halves the image. */
  readonly chMult: readonly number[];
  /** Residual blocks of a level of the encoder; the decoder has one more. */
  readonly numResBlocks: number;
  /** Channels between encoder and codebook. */
  readonly zChannels: number;
  /** Number of codes K. */
  readonly codebookSize: number;
  /** Numbers in a code. */
  readonly codebookEmbedDim: number;
  /** True if codes and latents are normalised to length 1. */
  readonly codebookL2Norm: boolean;
  /** Width and height in pixels of the training images. Other images may have any size that the factor divides. */
  readonly imageSize: number;
  /**
   * Groups of channels that are normalised together, which divide the channels of each level (default 32); 0 for a network without
   * norms, which takes a tenth less time and learns almost as well, at learning rates up to 2e-3.
   */
  readonly normGroups?: number | undefined;
  /**
   * Width and height of the squares of pixels that the finest level reads and writes as one position (default 1): fewer
   * positions at full resolution, which take most of the time of a small tokenizer.
   */
  readonly patchSize?: number | undefined;
}

/** Groups of the norms of a tokenizer. */
export function normGroupsOf({ normGroups = 32 }: VqConfig): number {
  return normGroups;
}

/** Pixels of a position of the finest level, in both directions. */
export function patchSizeOf({ patchSize = 1 }: VqConfig): number {
  return patchSize;
}

const multiples: Field<readonly number[]> = {
  argument: 'number[]',
  expected: 'a list of whole numbers >= 1',
  parse: (value) => {
    const fits = Array.isArray(value) && value.length > 0 && value.every((item) => Number.isInteger(item) && item >= 1);
    return fits ? (value as readonly number[]) : undefined;
  },
};

/** Keys of the config.json of LlamaGen's tokenizer. */
export const vqFields: Fields<VqConfig> = {
  ch: described('Channels of the finest level', wholeNumber(1)),
  chMult: described(
    'Channels of each level in multiples of ch, the finest first; each but the first halves',
    multiples,
  ),
  numResBlocks: described('Residual blocks of a level of the encoder; the decoder has one more', wholeNumber(1)),
  zChannels: described('Channels between encoder and codebook', wholeNumber(1)),
  codebookSize: described('Number of codes K', wholeNumber(1)),
  codebookEmbedDim: described('Numbers in a code', wholeNumber(1)),
  codebookL2Norm: described('Codes and latents of length 1', trueOrFalse(true)),
  imageSize: described('Width and height in pixels of the training images', wholeNumber(1, 256)),
  normGroups: described(
    'Groups of channels of a norm, which divide all channels; 0 for no norms; default 32',
    optional(wholeNumber(0)),
  ),
  patchSize: described(
    'Width of the squares of pixels that are one position of the finest level; default 1',
    optional(wholeNumber(1)),
  ),
};

/** Kinds of {@link VqConfig}, for argument checks. */
export const vqConfigKinds = argumentKinds(vqFields);

/**
 * Reads the config.json of LlamaGen's tokenizer (kind `vq`).
 * @throws DparError naming the wrong key.
 */
export function readVqConfig(json: unknown): VqConfig {
  const caller = 'vqKind.readConfig';
  const config = readConfig(caller, json, vqFields);
  const groups = normGroupsOf(config);
  if (groups > 0 && config.ch % groups !== 0) {
    throw new DparError(
      `${caller}: expected 'ch' to be a multiple of ${groups}, the groups of its norms ('norm_groups'), got ${config.ch}. ` +
        'Correct one of the two.',
    );
  }
  if (config.imageSize % vqFactor(config) !== 0) {
    throw new DparError(
      `${caller}: expected 'image_size' to be a multiple of ${vqFactor(config)}, the pixels of a code, got ` +
        `${config.imageSize}. Correct it.`,
    );
  }
  return config;
}

/** Pixels for each code in both directions: 2 for each level but the first, and those of a position of the finest level. */
export function vqFactor(config: VqConfig): number {
  return patchSizeOf(config) * 2 ** (config.chMult.length - 1);
}

/** LlamaGen's tokenizers (Sun et al. 2024, arXiv:2406.06525), by the pixels of a code. */
export const vqPresets: Readonly<Record<'VQ-8' | 'VQ-16', VqConfig>> = {
  'VQ-8': preset([1, 2, 2, 4]),
  'VQ-16': preset([1, 1, 2, 2, 4]),
};

function preset(chMult: readonly number[]): VqConfig {
  return {
    ch: 128,
    chMult,
    numResBlocks: 2,
    zChannels: 256,
    codebookSize: 16384,
    codebookEmbedDim: 8,
    codebookL2Norm: true,
    imageSize: 256,
  };
}
