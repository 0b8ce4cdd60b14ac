export { chooseToken, type DecodingOptions, mostLikely } from './choose.js';
export { type DparSampleOptions, DparSampler, type ModelWeights } from './dpar.js';
export { LlamaGenSampler } from './llamagen.js';
export type { GeneratedTokens, SampleOptions, SampleStep } from './options.js';
