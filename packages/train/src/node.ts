export { type RunRecord, restoreTrainer, writeTrainerCheckpoint } from './checkpoint.js';
export {
  type ClassNames,
  checkClassNames,
  checkSameClasses,
  classesFile,
  classesKey,
  classesOfData,
  readCheckpointClasses,
  readClassNames,
  writeClassNames,
} from './class-names.js';
export { withEntropies } from './data/attach-entropies.js';
export { type ComputedEntropies, type ComputeEntropiesOptions, computeEntropies } from './data/compute-entropies.js';
export { type DiskSource, diskSource } from './data/disk-source.js';
export { type LoadedEntropyModel, loadEntropyModel } from './data/entropy-model.js';
export { entropyCheckpointKey, entropyParts, type FoundEntropies, findEntropies } from './data/entropy-parts.js';
export { findTokenLayout } from './data/find-layout.js';
export type { EntropyPart, TokenLayout, TokenShard } from './data/layout.js';
export { entropyName } from './data/shard-layout.js';
export {
  type DataProgress,
  openTrainingData,
  type TrainingData,
  type TrainingDataOptions,
  type TrainingDataPaths,
} from './data/training-data.js';
export { workerSource } from './data/worker-source.js';
export { optimizerThread, optimizerThreadFor } from './optimizer-thread.js';
export { type ExportOptions, type ExportResult, exportPyTorch } from './pytorch/export.js';
export {
  exportSafetensors,
  type SafetensorsExportOptions,
  type SafetensorsExportResult,
} from './pytorch/export-safetensors.js';
export { type ImportOptions, type ImportResult, importCheckpoint } from './pytorch/import.js';
export { specsOf } from './pytorch/model-specs.js';
export { runFiles, stepFolder, watchFiles } from './run-folder.js';
export { readTokenSet, writeTokenSet } from './token-file.js';
export { createTrainer, type TrainOptions, train } from './train.js';
export { readTrainerState, type TrainerState, trainerFiles } from './trainer-state.js';
