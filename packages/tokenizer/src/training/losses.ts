import type { KindsOf } from '@dpar/check';
import { DparError, type Ops, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type CodeGrid, gridOfImages, nearestCodes } from '../codes.js';
import type { TokenizerConfig, TokenizerKind } from '../tokenizer-kind.js';
import type { TokenizerTraining } from './training-kind.js';

/** Weights of the terms of a tokenizer's loss. Pixels are in -1..1. */
export interface TokenizerLossWeights {
  /** Of the mean absolute error of pixels. */
  readonly absolute: number;
  /** Of the mean squared error of pixels. */
  readonly squared: number;
  /** Of the squared distance that moves codes to states (van den Oord et al. 2017, arXiv:1711.00937). */
  readonly codebook: number;
  /** Of the same distance, where it moves states to codes (commitment). */
  readonly commitment: number;
  /**
   * Of the entropy of the choice of a code for one state minus that of the codes over all states (Yu et al. 2024,
   * arXiv:2310.05737): choices become clear, and codes equally used.
   */
  readonly entropy: number;
}

/** Kinds of {@link TokenizerLossWeights}. */
export const lossWeightsKinds: KindsOf<TokenizerLossWeights> = {
  absolute: 'number',
  squared: 'number',
  codebook: 'number',
  commitment: 'number',
  entropy: 'number',
};

/** Weights of LlamaGen's training without its perceptual and adversarial losses, plus the absolute error. */
export const defaultLossWeights: TokenizerLossWeights = {
  absolute: 1,
  squared: 1,
  codebook: 1,
  commitment: 0.25,
  entropy: 0,
};

/** Divides squared distances in the entropy of choices, as in LlamaGen. */
const temperature = 0.01;

/** A tokenizer without its weights. */
export interface TokenizerArchitecture<C extends TokenizerConfig = TokenizerConfig> {
  readonly kind: TokenizerKind<C>;
  readonly config: C;
}

/** Returns the functions that the training of a kind needs. @throws DparError for a kind that is not trained. */
export function trainingOf<C extends TokenizerConfig>(kind: TokenizerKind<C>): TokenizerTraining<C> {
  checkArguments('trainingOf', { kind }, { kind: 'object' });
  if (kind.training !== undefined) return kind.training;
  throw new DparError(
    `trainingOf: expected a kind of tokenizer that can be trained, got "${kind.name}". Give it 'training', or choose another kind.`,
  );
}

/** Results of {@link quantize}. */
export interface Quantization<T> {
  /** int32 [B, T]. */
  readonly codes: T;
  /** Before the codes are looked up: [B, T, D]. */
  readonly states: T;
  /** Codes as the decoder reads them: [B, T, D]. */
  readonly quantized: T;
  readonly grid: CodeGrid;
  /** The terms of the codes, unweighted scalars. `entropy` only where its weight is not 0. */
  readonly terms: Readonly<Record<'codebook' | 'commitment', T>> & { readonly entropy?: T };
}

/**
 * Encodes images for training: codes, the straight-through estimator, and the terms of the loss that are about codes.
 * @param stop Stops gradients: returns a tensor of the same value that is a constant to them.
 * @param images [B, 3, H, W] in -1..1
 */
export function quantize<T>(
  ops: Ops<T>,
  stop: (x: T) => T,
  { kind, config }: TokenizerArchitecture,
  weights: TokenizerLossWeights,
  parameters: Tensors<T>,
  images: T,
): Quantization<T> {
  const training = trainingOf(kind);
  const grid = gridOfImages('quantize', ops.shapeOf(images), kind.pixelsPerCode(config));
  const states = training.states(ops, config, parameters, images);
  const book = training.codes(ops, config, parameters);
  const codes = stop(nearestCodes(ops, stop(book), stop(states)));
  const chosen = ops.takeRows(book, codes);
  const distance = (a: T, b: T): T => ops.mean(ops.square(ops.sub(a, b)));
  const terms = { codebook: distance(chosen, stop(states)), commitment: distance(stop(chosen), states) };
  return {
    codes,
    states,
    quantized: ops.add(states, stop(ops.sub(chosen, states))),
    grid,
    terms: weights.entropy === 0 ? terms : { ...terms, entropy: choiceEntropy(ops, book, states) },
  };
}

/**
 * Mean entropy of the distributions over codes of single states, minus the entropy of their mean: nats.
 * @param book [K, D]
 * @param states [B, T, D]
 */
function choiceEntropy<T>(ops: Ops<T>, book: T, states: T): T {
  const [, , D = 1] = ops.shapeOf(states);
  const rows = ops.reshape(states, [-1, D]);
  // Squared distances but for |state|^2, which does not change the softmax.
  const halfNorms = ops.mul(ops.sum(ops.square(book), { axes: -1 }), 0.5);
  const closeness = ops.mul(ops.sub(ops.matmul(rows, book, { transposeB: true }), halfNorms), 2 / temperature);
  const logProbabilities = ops.logSoftmax(closeness); // [B T, K]
  const probabilities = ops.exp(logProbabilities);
  const single = ops.neg(ops.mean(ops.sum(ops.mul(probabilities, logProbabilities), { axes: -1 })));
  const mean = ops.mean(probabilities, { axes: 0 }); // [K]
  const overall = ops.neg(ops.sum(ops.mul(mean, ops.log(ops.add(mean, 1e-5)))));
  return ops.sub(single, overall);
}

/** Mean absolute and mean squared error of pixels in -1..1: scalars. */
export function pixelTerms<T>(ops: Ops<T>, decoded: T, images: T): Readonly<Record<'absolute' | 'squared', T>> {
  const difference = ops.sub(decoded, images);
  return { absolute: ops.mean(ops.abs(difference)), squared: ops.mean(ops.square(difference)) };
}
