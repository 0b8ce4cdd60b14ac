export { BatchOrder, type BatchOrderOptions, type Visits } from './batches/batch-order.js';
export { type CheckOptions, checkTokenSet, checkTokenSource, countsFromOne } from './batches/check-set.js';
export { type EntropyOptions, entropiesOfSet } from './batches/entropies.js';
export { countPatches, type PatchCountOptions } from './batches/patch-counts.js';
export {
  type MemoryPicturesOptions,
  memoryPictures,
  type PictureBatch,
  type PictureSource,
  picturesToImages,
} from './batches/pictures.js';
export {
  type Batch,
  promptRow,
  sizeOfSet,
  sliceImages,
  type TokenSet,
  takeImages,
  tokenSet,
} from './batches/token-set.js';
export { createMemorySource, isTokenSource, type TokenSource } from './batches/token-source.js';
export { AdamW, type AdamWOptions, type AdamWUpdate, type Moments, type PendingUpdate } from './optimizer/adamw.js';
export {
  accumulateGradients,
  clipFactor,
  copyParameters,
  globalNorm,
  updateAverage,
} from './optimizer/named-tensors.js';
export { type CosineScheduleOptions, constantSchedule, cosineSchedule, type Schedule } from './optimizer/schedule.js';
export { architectureFromSettings, initializeNarrow, tokenizerFromSettings } from './run/model-settings.js';
export {
  type ImageModelTrainConfig,
  imageModelConfig,
  isTokenizerConfig,
  type ModelSettings,
  readTrainConfig,
  type TokenizerTrainConfig,
  type TrainConfig,
  tokenizerConfig,
  trainConfigKeys,
  withSetting,
} from './run/train-config.js';
export {
  DropoutMasks,
  type DropoutRates,
  dropClasses,
  dropoutPlaces,
  noDropout,
} from './step/dropout.js';
export type { LossScaler } from './step/loss-scaler.js';
export {
  boundaryLossName,
  createLossAndGradients,
  gradientFunction,
  gradientPrefix,
  type LossAndGradients,
  type LossAndGradientsResult,
} from './step/step.js';
export { noisyTokens } from './step/token-noise.js';
export { type Trained, trainedParameters } from './step/trained.js';
export { createValidator, type Validator, type ValidatorOptions } from './step/validate.js';
export {
  type BoundaryValidation,
  type BoundaryValidator,
  createBoundaryValidator,
} from './step/validate-boundary.js';
export { metricsLine, type StepMetrics, tokenizerTerms } from './trainer/metrics.js';
export type { RunTrainer } from './trainer/run-trainer.js';
export {
  type AdversarialOptions,
  TokenizerTrainer,
  type TokenizerTrainerOptions,
} from './trainer/tokenizer-trainer.js';
export { Trainer } from './trainer/trainer.js';
export type { TrainerOptions } from './trainer/trainer-options.js';
