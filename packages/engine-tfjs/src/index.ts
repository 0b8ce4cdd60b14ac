export { type TfjsEngineOptions, tfjsEngine } from './engine.js';
export { tfjsOps } from './ops.js';
export type { Tfjs, TfjsNamespace, TfjsTensor } from './tfjs.js';
