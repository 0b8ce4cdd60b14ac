export { createTokenizer, type TokenizerModel } from './create-tokenizer.js';
export { tokenizerGraphs } from './graphs.js';
export type { CodeGrid } from './grid.js';
export type { ImageTokenizer } from './image-tokenizer.js';
export { tokenizerKinds } from './kinds/index.js';
export { patchVqKind } from './kinds/patch-vq.js';
export type { TokenizerConfig, TokenizerKind, TokenizerOptions } from './kinds/tokenizer-kind.js';
export { vqKind } from './kinds/vq.js';
export {
  gridSizeOf,
  type PatchVqConfig,
  patchWidthOf,
  readPatchVqConfig,
  writePatchVqConfig,
} from './patch-vq/config.js';
export { type FitCodebookOptions, fitCodebook } from './patch-vq/fit-codebook.js';
export {
  initializePatchVq,
  patchVqDecode,
  patchVqEncode,
  patchVqLoss,
  patchVqSpecs,
  patchVqTrainable,
} from './patch-vq/model.js';
export { imagesOfPatches, patchesOfImages } from './patch-vq/patches.js';
export { createPatchVq } from './patch-vq/tokenizer.js';
export { bytesFromImages, imagesFromBytes, peakSignalToNoiseRatio } from './pixels.js';
export { codebookName } from './vq/codebook.js';
export { readVqConfig, type VqConfig, vqFactor, vqPresets, writeVqConfig } from './vq/config.js';
export { vqDecode, vqDecodeFunction, vqEncode, vqEncodeFunction, vqLatents } from './vq/model.js';
export { vqSpecs } from './vq/specs.js';
export { createVq } from './vq/tokenizer.js';
