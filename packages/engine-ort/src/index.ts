export { createOrtEngine, type OrtEngineOptions } from './engine.js';
export {
  type DataFileOptions,
  type ExportOptions,
  exportOnnx,
  exportOnnxParts,
  type OnnxParts,
} from './export.js';
export { type Device, disableTelemetry, ortInstallHints, type RuntimeKind } from './runtime.js';
