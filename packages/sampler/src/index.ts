export { chooseToken, type DecodingOptions, mostLikely } from './choose.js';
export { collectTokens, type GeneratedTokens } from './collect.js';
export { createSampler } from './create-sampler.js';
export type { GuidanceOptions } from './guidance.js';
export type { SampleOptions, SamplerOptions, SampleStep, StageSeconds } from './options.js';
export type { Sampler } from './sampler.js';
