export { chooseToken, type DecodingOptions, mostLikely } from './choose.js';
export { type DparSampleOptions, DparSampler, type ModelWeights } from './dpar.js';
export type { GuidanceOptions } from './guidance.js';
export { LlamaGenSampler } from './llamagen.js';
export type { GeneratedTokens, SampleOptions, SampleStep } from './options.js';
