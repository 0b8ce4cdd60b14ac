export { loadPipeline, type NodeImageInput, type NodePipeline } from './disk/load-pipeline.js';
export { type ModelFolder, openModelFolder } from './disk/model-folder.js';
export { resolveModelFolder } from './disk/resolve.js';
export type { SavableEntropyMap, SavableImages } from './disk/save.js';
