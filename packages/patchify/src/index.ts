export {
  batchPatchLengths,
  type PackedPatches,
  type PaddedPatches,
  type PadTo,
  packPatchLengths,
  padPatchLengths,
  unpackPatchLengths,
  unpadPatchLengths,
} from './batch.js';
export {
  longestPatch,
  type PatchingMode,
  type PatchingModeRules,
  type PatchingOptions,
  patchingModes,
  type StartRule,
} from './boundaries.js';
export { type BucketOptions, bucketSize, bucketSizes } from './bucket.js';
export { type DenseOptions, type DensePatches, densePatches } from './dense.js';
export { PatchifyError } from './error.js';
export { createOnlinePatcher, type OnlinePatcher, type PatcherState } from './online.js';
export { patchLengths, writePatchLengths } from './patch-lengths.js';
export {
  lengthsFromIds,
  lengthsFromSpans,
  lengthsFromStarts,
  type PatchSpans,
  patchIds,
  patchSpans,
  tokenCount,
} from './spans.js';
export { type PatchStatistics, patchStatistics } from './statistics.js';
