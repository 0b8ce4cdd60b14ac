import type { ModelRecipe } from '../recipes.js';
import { type Settings, timedRounds } from '../settings.js';
import { modelSize, type TrainingSize } from './sizes.js';

/*
 * Processor seconds of all threads together on an AMD EPYC with AVX-512, for the estimate of the remaining time. They were
 * measured on the small models of this example, whose time grows with layers and width.
 */

/** Compilation of DPAR's graph. */
const dparCompileSeconds = 2.6;

/** Compilation of any other graph. */
const compileSeconds = 1.5;

/** A layer of 64 channels, forward and backward, for each token. */
const layerSeconds = 7.4e-6;

/** Logits and loss of a token at 64 channels, forward and backward. */
const logitSeconds = 8.3e-6;

/** Factor of DPAR over the time of its layers: padding, and attention between patches and tokens. */
const dparFactor = 1.5;

/** Mean tokens of a patch. */
const patchLength = 1.8;

/** Validations of a run, each over all validation images: a forward pass, a third of a step's work for an image. */
const validations = 6;

function tokenCost({ dim, tokenLayers, patchLayers }: Pick<TrainingSize, 'dim' | 'tokenLayers' | 'patchLayers'>) {
  const layers = tokenLayers + patchLayers / patchLength;
  return (logitSeconds + layers * layerSeconds) * (dim / 64) * (patchLayers > 0 ? dparFactor : 1);
}

const startCost = ({ patchLayers }: TrainingSize): number => (patchLayers > 0 ? dparCompileSeconds : compileSeconds);

const stepsCost = (size: TrainingSize): number => size.steps * size.batchSize * size.tokens * tokenCost(size);

/** Training run with its validations. */
export function trainingCost(size: TrainingSize): number {
  return startCost(size) + stepsCost(size) + (validations * size.validationImages * size.tokens * tokenCost(size)) / 3;
}

/** A generated token with guidance in large batches, by DPAR with its entropy model. */
const generationSeconds = 5e-4;

/** Generation of images. */
export function samplingCost(images: number, tokens: number): number {
  return compileSeconds + images * tokens * generationSeconds;
}

/** Features of images, distances and resampling. */
export function measuringCost(images: number): number {
  return 1 + images * 2e-3;
}

/** Entropies of images, a forward pass. */
export function entropiesCost(size: Pick<TrainingSize, 'dim' | 'tokenLayers' | 'tokens'>, images: number): number {
  return (images * size.tokens * tokenCost({ ...size, patchLayers: 0 })) / 3;
}

/** An image of a training step of the classifier that gives the features. */
const classifierSeconds = 1.7e-3;

/** Training of the classifier that gives the features. */
export function featuresCost({ steps, batchSize }: { readonly steps: number; readonly batchSize: number }): number {
  return steps * batchSize * classifierSeconds;
}

/** Timed steps of models, and the steps that compile. */
export function stepTimesCost(settings: Settings, models: readonly ModelRecipe[], batchSize: number): number {
  const timed = { steps: settings.timedSteps, batchSize };
  return models
    .map((model) => modelSize(settings, model))
    .reduce((sum, size) => sum + startCost(size) + 2 * stepsCost({ ...size, ...timed }), 0);
}

/** All rounds of some ways of generating images in small batches. */
export function generationTimesCost(images: number, tokens: number, ways: number): number {
  return (timedRounds + 1) * ways * images * tokens * generationSeconds;
}
