export { restoreTrainer, writeTrainerCheckpoint } from './checkpoint.js';
export { type ExportOptions, type ExportResult, exportPyTorch } from './pytorch/export.js';
export { type ImportOptions, type ImportResult, importCheckpoint } from './pytorch/import.js';
export { readTokenSet, writeTokenSet } from './token-file.js';
export { createTrainer, runFiles, train } from './train.js';
