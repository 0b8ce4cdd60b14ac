import { argumentKinds, type Field, type Fields, readConfig, trueOrFalse, wholeNumber } from '@dpar/nn';
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
}

/** Groups of channels that are normalised together. */
export const normGroups = 32;

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
  ch: wholeNumber(1),
  chMult: multiples,
  numResBlocks: wholeNumber(1),
  zChannels: wholeNumber(1),
  codebookSize: wholeNumber(1),
  codebookEmbedDim: wholeNumber(1),
  codebookL2Norm: trueOrFalse(true),
  imageSize: wholeNumber(1, 256),
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
  if (config.ch % normGroups !== 0) {
    throw new DparError(
      `${caller}: expected 'ch' to be a multiple of ${normGroups}, the groups of its norms, got ${config.ch}. Correct it.`,
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

/** Pixels for each code in both directions: 2 for each level but the first. */
export function vqFactor({ chMult }: VqConfig): number {
  return 2 ** (chMult.length - 1);
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
