export { chooseToken, type DecodingOptions, mostLikely } from './choose.js';
export { collectTokens, type GeneratedTokens } from './collect.js';
export { type DparSampleOptions, DparSampler } from './dpar.js';
export type { GuidanceOptions } from './guidance.js';
export { LlamaGenSampler } from './llamagen.js';
export type { ModelWeights } from './model-weights.js';
export type { SampleOptions, SamplerOptions, SampleStep, StageSeconds } from './options.js';
