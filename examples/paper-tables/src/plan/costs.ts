import type { Settings, Variant } from '../settings.js';
import { dparSize, llamaGenSize, type TrainingSize } from './sizes.js';

/**
 * Processor seconds, all threads together, that parts of the run take on a core of an AMD EPYC with AVX-512: the basis of the
 * estimate of the time that is left, and of the sizes of a quick run. Measured with small models, of which much of the time
 * is for starting operators, so that it grows with layers and tokens rather than with the width.
 */

/** Of compiling graphs and reading data, for a run of whatever length. */
const startSeconds = 4;

/** Of a layer of 64 channels, forward and backward, for each token. */
const layerSeconds = 7e-6;

/** Of a token's logits and loss, forward and backward. */
const logitSeconds = 1.5e-5;

/** Mean tokens of a patch. */
const patchLength = 1.8;

export function trainingCost({ dim, tokenLayers, patchLayers, tokens, steps, batchSize }: TrainingSize): number {
  const layers = tokenLayers + patchLayers / patchLength;
  const validation = 1.2;
  const token = (logitSeconds + layers * layerSeconds) * (dim / 64);
  return startSeconds + validation * steps * batchSize * tokens * token;
}

/** Of generating a token with guidance, by DPAR with its entropy model or by LlamaGen. */
const generationSeconds = 6e-4;

export function samplingCost(images: number, tokens: number): number {
  return startSeconds + images * tokens * generationSeconds;
}

/** Of an image's features, and of its part in distances and resampling. */
const measuringSeconds = 0.02;

export function measuringCost(images: number): number {
  return measuringSeconds * images;
}

/** Entropies of images that an entropy model has read: the forward pass alone. */
export function entropiesCost(size: Pick<TrainingSize, 'dim' | 'tokenLayers' | 'tokens'>, images: number): number {
  const token = ((logitSeconds + size.tokenLayers * layerSeconds) / 3) * (size.dim / 64);
  return 1 + images * size.tokens * token;
}

/** Of an image of a step of the classifier whose features measure quality. */
const classifierSeconds = 2e-3;

export function featuresCost({ steps, batchSize }: { readonly steps: number; readonly batchSize: number }): number {
  return 2 + steps * batchSize * classifierSeconds;
}

/** Timed steps of both models, with those that compile. */
export function stepTimesCost(settings: Settings, variant: Variant, grid: number, batchSize: number): number {
  const timed = { steps: 2 * settings.timedSteps, batchSize };
  return (
    trainingCost({ ...dparSize(settings, variant, grid), ...timed }) +
    trainingCost({ ...llamaGenSize(settings, variant, grid), ...timed })
  );
}

/** Two rounds of both models. */
export function generationTimesCost(images: number, tokens: number): number {
  return 4 * samplingCost(images, tokens);
}
