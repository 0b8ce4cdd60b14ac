export { withEntropies } from './disk/attach-entropies.js';
export { checkSameClasses, classesKey, classesOfData, readClassNames } from './disk/class-names.js';
export { type ComputedEntropies, type ComputeEntropiesOptions, computeEntropies } from './disk/compute-entropies.js';
export { createDiskSource, type DiskSource } from './disk/disk-source.js';
export { entropyCheckpointKey, entropyParts, type FoundEntropies, findEntropies } from './disk/entropy-parts.js';
export { findTokenLayout } from './disk/find-layout.js';
export type { EntropyPart, TokenLayout, TokenShard } from './disk/layout.js';
export { entropyName } from './disk/shard-layout.js';
export { readTokenSet, writeTokenSet } from './disk/token-file.js';
export {
  type DataProgress,
  openTrainingData,
  type TrainingData,
  type TrainingDataOptions,
  type TrainingDataPaths,
} from './disk/training-data.js';
export { createWorkerSource } from './disk/worker-source.js';
export { createOptimizerThread, createOptimizerThreadFor } from './optimizer/thread.js';
export {
  type LoadedPerceptualNetwork,
  loadPerceptualNetwork,
  type PerceptualNetworkOptions,
} from './perceptual/load-network.js';
export { type RunRecord, restoreTrainer, writeTrainerCheckpoint } from './run/checkpoint.js';
export { createTokenizerTrainer, picturesToShow, type RunDataOptions } from './run/create-tokenizer-trainer.js';
export { createTrainer } from './run/create-trainer.js';
export { runFiles, stepFolder, watchFiles } from './run/run-folder.js';
export type { StartPart } from './run/select-parameters.js';
export type { StartAccount } from './run/starting-parameters.js';
export { type TrainOptions, train } from './run/train.js';
export {
  type FileRecord,
  readStateFields,
  readTrainerState,
  type TrainerState,
  trainerFiles,
  trainerStateOf,
  writeTrainerState,
} from './run/trainer-state.js';
export { momentPrefixes } from './trainer/run-trainer.js';
