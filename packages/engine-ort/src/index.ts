export { createOrtEngine, type OrtEngineOptions } from './engine.js';
export {
  type DataFileOptions,
  type ExportOptions,
  exportOnnx,
  exportOnnxParts,
  type OnnxParts,
} from './export.js';
export { type Device, ortInstallHints, type RuntimeKind } from './runtime.js';
export { disableTelemetry } from './telemetry.js';
