export { checkpointClasses } from './classes.js';
export { type ExportOptions, type ExportResult, exportPyTorch } from './export-pytorch.js';
export {
  exportSafetensors,
  type SafetensorsExportOptions,
  type SafetensorsExportResult,
} from './export-safetensors.js';
export { type ImportOptions, type ImportResult, importCheckpoint } from './import.js';
export { modelKinds } from './kinds.js';
