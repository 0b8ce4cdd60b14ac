import type { EntropyModelConfig } from '@dpar/entropy';
import type { DparConfig, LlamaGenConfig } from '@dpar/model';
import { feedForwardWidth, type StackConfig } from '@dpar/nn';
import { bytesPerWeight, type WeightFormat } from '@dpar/tensor';

/** Least cost of generating one image: a lower bound for any program that computes the model's products. */
export interface SamplingCost {
  /** Bytes of weights and of cached keys and values that are read, with guidance, one image at a time. */
  readonly bytes: number;
  /** Floating-point operations, two for each multiply-accumulate. */
  readonly flops: number;
}

/** An entropy model and the format of its weights. */
export interface StoredEntropyModel {
  readonly config: EntropyModelConfig;
  readonly weights: WeightFormat;
}

/** Cached keys and values are float32. */
const bytesPerCached = 4;

/** Matrices that positions or patches pass one after the other, with their self-attention. */
interface Part {
  /** Elements of all matrices: each is read in every step, and multiplied once for each row. */
  readonly weights: number;
  readonly format: WeightFormat;
  /** Steps of an image. */
  readonly steps: number;
  /** Rows of an image in each step: two where guidance needs a row without the class. */
  readonly rows: 1 | 2;
  /** Keys and values of all blocks for one position: 2 D for each. */
  readonly attended: number;
}

/** Generating one image with LlamaGen under guidance. */
export function llamaGenCost(config: LlamaGenConfig, format: WeightFormat): SamplingCost {
  const { dim: D, nLayer: L, vocabSize: V, blockSize: T } = config;
  return costOf([{ weights: L * blockWeights(config) + V * D, format, steps: T, rows: 2, attended: L * 2 * D }]);
}

/**
 * Generating one image with DPAR under guidance. Encoder, patch embedding and entropies need no second row: tokens and
 * patches are shared. Nothing reads the last token, nor the last patch.
 * @param meanPatchLength Tokens per patch; the global transformer steps for the class, and for all patches but the last.
 * @param entropyModel Default: none, patches start where the boundary head of the configuration lets them.
 */
export function dparCost(
  config: DparConfig,
  format: WeightFormat,
  meanPatchLength: number,
  entropyModel?: StoredEntropyModel,
): SamplingCost {
  const { dim: D, nLayer: G, nLocalEncoderLayers: E, nLocalDecoderLayers, vocabSize: V, blockSize: T } = config;
  const block = blockWeights(config);
  const square = D * D;
  const patches = T / meanPatchLength;
  return costOf([
    // Blocks, and keys and values of each token for the embedding of its patch.
    { weights: E * (block + 2 * square), format, steps: T - 1, rows: 1, attended: E * 2 * D },
    // Query and output of the patch embedding.
    { weights: E * 2 * square, format, steps: patches - 1, rows: 1, attended: 0 },
    // Blocks, and what each decoder layer takes from the result.
    { weights: G * block + nLocalDecoderLayers * square, format, steps: patches, rows: 2, attended: G * 2 * D },
    {
      weights: nLocalDecoderLayers * block + V * D,
      format,
      steps: T,
      rows: 2,
      attended: nLocalDecoderLayers * 2 * D,
    },
    entropyModel ? entropyPart(entropyModel) : headPart(config, format),
  ]);
}

function entropyPart({ config, weights: format }: StoredEntropyModel): Part {
  const { dim: D, nLayer: L, vocabSize: V, blockSize: T } = config;
  return { weights: L * blockWeights(config) + V * D, format, steps: T - 1, rows: 1, attended: L * 2 * D };
}

/** Boundary head: from the states of all neighbours through the hidden layers to one number. */
function headPart({ dim: D, blockSize: T, boundaryHead }: DparConfig, format: WeightFormat): Part {
  const { hiddenWidth: H = 0, hiddenLayers = 0, neighbours = [] } = boundaryHead ?? {};
  const weights = H * neighbours.length * D + (hiddenLayers - 1) * H * H + H;
  return { weights, format, steps: T - 1, rows: 1, attended: 0 };
}

/** Elements of a block's matrices: attention 4 D^2, feed-forward 3 D F. */
function blockWeights({ dim: D, multipleOf }: StackConfig): number {
  return 4 * D * D + 3 * D * feedForwardWidth(D, multipleOf);
}

/**
 * Step i of n reads the keys and values of the i positions before it, n (n - 1) / 2 in all, and multiplies those of its
 * own position too. A key or value takes one multiply-accumulate.
 */
function costOf(parts: readonly Part[]): SamplingCost {
  let [bytes, flops] = [0, 0];
  for (const { weights, format, steps: n, rows, attended } of parts) {
    bytes += n * weights * bytesPerWeight(format) + rows * ((n * (n - 1)) / 2) * attended * bytesPerCached;
    flops += 2 * rows * (n * weights + ((n * (n + 1)) / 2) * attended);
  }
  return { bytes, flops };
}
