export { chooseToken, type DecodingOptions, mostLikely } from './choose.js';
export { createSampler, generatingKinds, needsEntropyModel } from './create-sampler.js';
export type { GuidanceOptions } from './guidance.js';
export type { SampleOptions, SamplerOptions, SampleStep, StageSeconds } from './options.js';
export { collectTokens, type GeneratedTokens, type Sampler } from './sampler.js';
