export { chooseToken, type DecodingOptions, mostLikely } from './choose.js';
export { createSampler, generatingKinds, needsEntropyModel } from './create-sampler.js';
export { collectParts, collectTokens, type GeneratedTokens } from './finished-images.js';
export type { GuidanceOptions } from './guidance.js';
export type { Label } from './options.js';
export {
  type SampleOptions,
  type SamplerOptions,
  type SampleStep,
  type StageSeconds,
  sampleOptionsKinds,
} from './options.js';
export type { Sampler } from './sampler.js';
