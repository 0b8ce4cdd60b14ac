import { type Settings, timedRounds, type Variant } from '../settings.js';
import { dparSize, llamaGenSize, type TrainingSize } from './sizes.js';

/**
 * Processor seconds, all threads together, that parts of the run take on an AMD EPYC with AVX-512: the basis of the
 * estimate of the time that is left, and of the sizes of a quick run. They were measured on the example's small models, for
 * which time grows with layers and width.
 */

/** Of compiling DPAR's graph. */
const dparCompileSeconds = 2.6;

/** Of compiling any other graph. */
const compileSeconds = 1.5;

/** Of a layer of 64 channels, forward and backward, for each token. */
const layerSeconds = 7.4e-6;

/** Of a token's logits and loss at 64 channels, forward and backward. */
const logitSeconds = 8.3e-6;

/** Patches, their padding and attention between them and tokens make DPAR this much dearer than its layers. */
const dparFactor = 1.5;

/** Mean tokens of a patch. */
const patchLength = 1.8;

/** Validations of a run, each of all validation images, forward alone: a third of a step's work for an image. */
const validations = 6;

function tokenCost({ dim, tokenLayers, patchLayers }: Pick<TrainingSize, 'dim' | 'tokenLayers' | 'patchLayers'>) {
  const layers = tokenLayers + patchLayers / patchLength;
  return (logitSeconds + layers * layerSeconds) * (dim / 64) * (patchLayers > 0 ? dparFactor : 1);
}

const startCost = ({ patchLayers }: TrainingSize): number => (patchLayers > 0 ? dparCompileSeconds : compileSeconds);

const stepsCost = (size: TrainingSize): number => size.steps * size.batchSize * size.tokens * tokenCost(size);

/** A whole training run with its validations. */
export function trainingCost(size: TrainingSize): number {
  return startCost(size) + stepsCost(size) + (validations * size.validationImages * size.tokens * tokenCost(size)) / 3;
}

/** Of generating a token with guidance in large batches, by DPAR with its entropy model. */
const generationSeconds = 5e-4;

export function samplingCost(images: number, tokens: number): number {
  return compileSeconds + images * tokens * generationSeconds;
}

/** Distances and resampling, and the features of images. */
export function measuringCost(images: number): number {
  return 1 + images * 2e-3;
}

/** Entropies of images, forward alone. */
export function entropiesCost(size: Pick<TrainingSize, 'dim' | 'tokenLayers' | 'tokens'>, images: number): number {
  return (images * size.tokens * tokenCost({ ...size, patchLayers: 0 })) / 3;
}

/** Of an image of a step of the classifier whose features measure quality. */
const classifierSeconds = 1.7e-3;

export function featuresCost({ steps, batchSize }: { readonly steps: number; readonly batchSize: number }): number {
  return steps * batchSize * classifierSeconds;
}

/** Steps of both models that are timed, with those that compile. */
export function stepTimesCost(settings: Settings, variant: Variant, grid: number, batchSize: number): number {
  const timed = { steps: settings.timedSteps, batchSize };
  const sizes = [dparSize(settings, variant, grid), llamaGenSize(settings, variant, grid)];
  return sizes.reduce((sum, size) => sum + startCost(size) + 2 * stepsCost({ ...size, ...timed }), 0);
}

/** All rounds of some ways of generating, in small batches. */
export function generationTimesCost(images: number, tokens: number, ways: number): number {
  return (timedRounds + 1) * ways * images * tokens * generationSeconds;
}
