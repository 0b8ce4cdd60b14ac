export {
  boundaryEntropies,
  boundaryHeadMacs,
  boundaryPatching,
  boundaryStep,
  isBoundaryParameter,
  isReadByHead,
} from './boundary-head.js';
export type {
  BoundaryHeadConfig,
  DparConfig,
  EmbeddingType,
  LlamaGenConfig,
  PatchingConfig,
} from './config.js';
export {
  type DecoderStepResult,
  decoderStep,
  type EncoderStepResult,
  encoderStep,
  type GlobalStepResult,
  globalStep,
  patchEmbedding,
} from './decode.js';
export { type DparInputs, type DparOutputs, dpar } from './dpar.js';
export { dparKind } from './dpar-kind.js';
export { inputsOfLengths } from './inputs-of-lengths.js';
export { entropySourceKinds, imageModelKinds } from './kinds.js';
export { type LlamaGenOutputs, llamaGen, llamaGenKind } from './llamagen.js';
export { encoderStates } from './local-encoder.js';
export { dparMacs, dparMatmulMacs, llamaGenMacs } from './macs.js';
export { dparMemory, llamaGenMemory, type MemoryCount } from './memory.js';
export { type PatchPlaces, patchAngles } from './patch-angles.js';
export type { PatchMaps } from './patch-maps.js';
export { patchingOptions } from './patching-options.js';
export {
  decoderPrefill,
  type EncoderPrefillResult,
  encoderPrefill,
  type GlobalPrefillResult,
  globalPrefill,
} from './prefill.js';
export {
  dparInputs,
  globalRotaryTable,
  type PatchPlace,
  patchRotaryRows,
  patchSlots,
} from './prepare.js';
export {
  dparPreset,
  llamaGenPreset,
  type Preset,
  type PresetName,
  type PresetOptions,
  pixelsPerToken,
  presets,
} from './presets.js';
export { type ComputeRow, compareCompute, paperPatchRatios, type TableS1Row, tableS1 } from './table-s1.js';
