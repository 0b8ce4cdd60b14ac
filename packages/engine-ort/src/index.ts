export { createOrtEngine, type OrtEngineOptions } from './engine.js';
export { type ExportOptions, exportOnnx } from './export.js';
export type { Device, RuntimeKind } from './runtime.js';
