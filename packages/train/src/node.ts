export { type RunRecord, restoreTrainer, writeTrainerCheckpoint } from './checkpoint.js';
export { runFiles, stepFolder } from './run-folder.js';
export { readTokenSet, writeTokenSet } from './token-file.js';
export { createTrainer, type TrainOptions, train } from './train.js';
export { readTrainerState, type TrainerState, trainerFiles } from './trainer-state.js';
