export { restoreTrainer, writeTrainerCheckpoint } from './checkpoint.js';
export { readTokenSet, writeTokenSet } from './token-file.js';
export { createTrainer, runFiles, train } from './train.js';
