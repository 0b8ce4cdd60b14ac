export { type TfjsEngineOptions, tfjsEngine } from './engine.js';
export type { TfjsBackend, WasmFile } from './load/backends.js';
export type { ImportModule } from './load/import-package.js';
export {
  createTfjsEngine,
  describeLoaded,
  type LoadedTfjs,
  type LoadTfjsOptions,
  loadTfjs,
  type SkippedBackend,
  tfjsBackends,
  tfjsInstallHints,
} from './load/load.js';
export { tfjsOps } from './ops.js';
export type { Tfjs, TfjsNamespace, TfjsTensor } from './tfjs.js';
