export { type ModelFolder, openModelFolder } from './disk/model-folder.js';
export { resolveModelFolder } from './disk/resolve.js';
