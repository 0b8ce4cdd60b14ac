import type { KindsOf } from '@dpar/check';
import { checkParameters, hasNullClass, type ImageModel, modelArgument } from '@dpar/nn';
import { DparError, type Engine } from '@dpar/tensor';
import { checkTokenSet, checkTokenSource } from '../batches/check-set.js';
import { sizeOfSet, type TokenSet } from '../batches/token-set.js';
import { isTokenSource, missingEntropies, type TokenSource } from '../batches/token-source.js';
import { type AdamWOptions, adamWOptionsKinds } from '../optimizer/adamw.js';
import { type OptimizerThread, optimizerThreadKinds } from '../optimizer/move-arrays.js';
import { checkSchedule, type Schedule } from '../optimizer/schedule.js';
import type { BatchGradientsOptions } from '../step/batch-gradients.js';
import { dropoutRatesKinds } from '../step/dropout.js';
import { trainedKind, trainedParameters, trainsHead } from '../step/trained.js';

/** Options of a `Trainer`. Defaults are the paper's where it has them. */
export interface TrainerOptions extends BatchGradientsOptions {
  readonly engine: Engine;
  /**
   * The model. Its parameters are the starting point (see `initializeParameters` of @dpar/nn) and are changed in place.
   * With an `optimizerThread`, a step may put other typed arrays into these tensors.
   */
  readonly model: ImageModel;
  /** Images in memory, or a source that loads those of a batch. */
  readonly data: TokenSet | TokenSource;
  /** Patches of the images of a source, from `countPatches`. Required for a source if the model has patches. */
  readonly patchCounts?: ArrayLike<number> | undefined;
  /** Number of batches that a source loads ahead of their step (default 2). */
  readonly prefetchBatches?: number | undefined;
  /** Number of steps of the whole run. */
  readonly steps: number;
  /** Images of a step, B. */
  readonly batchSize: number;
  /** Seed of the order of images and of all dropout. */
  readonly seed: number;
  /** Default: constant, 1e-4. */
  readonly schedule?: Schedule | undefined;
  readonly optimizer?: AdamWOptions | undefined;
  /** Does half of the optimizer's work (default: none): see `createOptimizerThreadFor`. The trainer closes it. */
  readonly optimizerThread?: OptimizerThread | undefined;
  /** Largest global norm of the gradients; larger ones are clipped to it (default 1). */
  readonly maxGradientNorm?: number | undefined;
  /** Probability at which a label becomes the null class (default 0.1; no effect on models without classes). */
  readonly classDropout?: number | undefined;
  /** Probability at which a token that the model reads becomes any code, while the right one is predicted (default 0): see `noisyTokens`. */
  readonly tokenNoise?: number | undefined;
  /** Decay of an exponential moving average of the parameters (default: no average). */
  readonly averageDecay?: number | undefined;
  /** Data for the validation loss. It is measured every `validateEvery` steps and after the last step. */
  readonly validation?: TokenSet | TokenSource | undefined;
  /** Steps between validations (default: only after the last). */
  readonly validateEvery?: number | undefined;
  /** Number of batches that are grouped by patch count together: see `BatchOrder`. */
  readonly windowBatches?: number | undefined;
}

/** Kinds of {@link TrainerOptions}. */
export const trainerOptionsKinds: KindsOf<TrainerOptions> = {
  engine: 'Engine',
  model: modelArgument,
  data: 'object',
  'patchCounts?': 'number[]',
  'prefetchBatches?': 'number',
  steps: 'number | NaN',
  batchSize: 'number',
  seed: 'number',
  'schedule?': 'any',
  'optimizer?': adamWOptionsKinds,
  'optimizerThread?': optimizerThreadKinds,
  'maxGradientNorm?': 'number',
  'classDropout?': 'number',
  'tokenNoise?': 'number',
  'averageDecay?': 'number',
  'validation?': 'object',
  'validateEvery?': 'number',
  'windowBatches?': 'number',
  'dropout?': dropoutRatesKinds,
  'accumulationSteps?': 'number',
  'recomputeBlocks?': 'boolean',
  'bucketRatio?': 'number',
  'trained?': trainedKind,
};

/** @throws DparError if an option is missing or out of range, or if parameters or data do not fit the model. */
export function checkTrainerOptions(options: TrainerOptions): void {
  const { model, data, validation, steps, schedule, classDropout = 0.1 } = options;
  if (data === undefined) throw new DparError("Trainer: expected 'data', a token set or a source, got undefined.");
  if (!Number.isInteger(steps) || steps < 0) {
    throw new DparError(`Trainer: expected 'steps' to be a whole number >= 0, got ${steps}.`);
  }
  if (!(classDropout >= 0 && classDropout <= 1)) {
    throw new DparError(`Trainer: expected 'classDropout' from 0 to 1, got ${classDropout}.`);
  }
  if (classDropout > 0 && !hasNullClass(model.config)) {
    throw new DparError(
      `Trainer: expected 'classDropout' 0 for a model without a null class (class_dropout_prob 0), got ${classDropout}.`,
    );
  }
  checkSchedule('Trainer', schedule);
  checkParameters(model.kind.specs(model.config), model.parameters);
  trainedParameters(model, options.trained ?? 'all');
  checkData(model, data, 'training data');
  if (validation !== undefined) checkData(model, validation, 'validation data');
  checkEntropies(options);
  checkNoise(options);
}

/** @throws DparError if a set in memory lacks the entropies that a boundary head is trained on. */
function checkEntropies({ model, data, validation, trained = 'all' }: TrainerOptions): void {
  if (!trainsHead(model, trained)) return;
  for (const set of [data, validation]) {
    if (set !== undefined && !isTokenSource(set) && set.entropies === undefined) throw missingEntropies('Trainer');
  }
}

/** @throws DparError for a rate out of range, or noise in the tokens that a boundary head reads: its entropies are those of the right ones. */
function checkNoise({ model, trained = 'all', tokenNoise = 0 }: TrainerOptions): void {
  if (!(tokenNoise >= 0 && tokenNoise < 1)) {
    throw new DparError(`Trainer: expected 'tokenNoise' from 0 to below 1, got ${tokenNoise}.`);
  }
  if (tokenNoise > 0 && trainsHead(model, trained)) {
    throw new DparError(
      `Trainer: expected 'tokenNoise' 0 where a boundary head is trained, got ${tokenNoise}. Train the head later, alone.`,
    );
  }
}

function checkData(model: ImageModel, data: TokenSet | TokenSource, name: string): void {
  if (isTokenSource(data)) checkTokenSource(model, data, name);
  else checkTokenSet(model, data, name);
}

/**
 * Patch counts that batches are grouped by. Counting the patches of a source takes long, so the counts are an option.
 */
export function patchCountsOf(options: TrainerOptions): ArrayLike<number> | undefined {
  const { model, data, patchCounts, trained } = options;
  // The cost of a boundary head does not depend on the patches, so its batches are mixed.
  if (trained === 'boundary_head') return undefined;
  if (patchCounts !== undefined) return patchCounts;
  if (!isTokenSource(data)) return model.kind.patchCounts(model.config, sizeOfSet(data).images, data.entropies);
  if (!model.kind.hasPatches) return undefined;
  throw new DparError(
    "Trainer: expected 'patchCounts' with a source of data, got none. Pass the result of 'countPatches'.",
  );
}
