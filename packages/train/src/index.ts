export { accumulateGradients } from './accumulate.js';
export { AdamW, type AdamWOptions, type AdamWUpdate, type Moments } from './adamw.js';
export { BatchOrder, type BatchOrderOptions, type Visits } from './batch-order.js';
export { type CheckOptions, checkTokenSet, checkTokenSource, countsFromOne } from './check-set.js';
export { dropClasses } from './class-dropout.js';
export { clipFactor, globalNorm } from './clip.js';
export {
  DropoutMasks,
  type DropoutRates,
  dropoutPlaces,
  noDropout,
} from './dropout.js';
export { copyParameters, updateAverage } from './ema.js';
export { type EntropyOptions, entropiesOfSet } from './entropies.js';
export { initializeNarrow } from './initialize-narrow.js';
export { metricsLine, type StepMetrics } from './metrics.js';
export { modelFromSettings } from './model-settings.js';
export { countPatches, type PatchCountOptions } from './patch-counts.js';
export { type CosineScheduleOptions, constantSchedule, cosineSchedule, type Schedule } from './schedule.js';
export {
  gradientFunction,
  gradientPrefix,
  type LossAndGradients,
  type LossAndGradientsResult,
  lossAndGradients,
} from './step.js';
export { type Batch, sizeOfSet, sliceImages, type TokenSet, takeImages, tokenSet } from './token-set.js';
export { isTokenSource, memorySource, type TokenSource } from './token-source.js';
export { type ModelSettings, readTrainConfig, type TrainConfig, trainConfigKeys } from './train-config.js';
export {
  type TrainableDparOptions,
  type TrainableModel,
  trainableDpar,
  trainableEntropyModel,
  trainableLlamaGen,
  trainableModel,
} from './trainable.js';
export { Trainer, type TrainerOptions } from './trainer.js';
export { createValidator, type Validator, type ValidatorOptions } from './validate.js';
