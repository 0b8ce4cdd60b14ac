export {
  type Dinov2Config,
  dinov2Parameters,
  dinov2Presets,
  inferDinov2Config,
  isDinov2,
} from './dinov2/config.js';
export { createDinov2Network, type Dinov2Options } from './dinov2/dinov2-network.js';
export { dinov2, dinov2Constants } from './dinov2/network.js';
export type { FeatureNetwork, ImageFeatures } from './feature-network.js';
export { type FeatureWeights, parseFeatureWeights } from './feature-weights.js';
export { type FrechetDistance, frechetDistance } from './frechet.js';
export {
  type FrechetExtrapolation,
  type FrechetExtrapolationOptions,
  frechetExtrapolation,
} from './frechet-extrapolation.js';
export { type FrechetInterval, type FrechetIntervalOptions, frechetInterval } from './frechet-interval.js';
export { inceptionParameters } from './inception/convolutions.js';
export { foldBatchNorm } from './inception/fold.js';
export {
  createInceptionNetwork,
  type InceptionOptions,
  type InceptionResize,
  isPublished,
  type SpatialOrder,
} from './inception/inception-network.js';
export { type InceptionOutputs, inception } from './inception/network.js';
export {
  type InceptionScore,
  InceptionScoreAccumulator,
  type InceptionScoreOptions,
  inceptionScore,
} from './inception-score.js';
export { type KernelDistance, type KernelDistanceOptions, kernelDistance } from './kernel-distance.js';
export type { Matrix } from './matrix.js';
export type { ImageLayout, ValueRange } from './network-input.js';
export type { OnnxInputOptions } from './onnx/input.js';
export { createOnnxNetwork, type OnnxNetworkOptions, type OpenOnnxModel } from './onnx/onnx-network.js';
export { type OnnxOutputNames, type TokenPooling, tokenPoolings } from './onnx/outputs.js';
export { type ValueRangeName, valueRanges } from './onnx/range.js';
export type {
  OnnxData,
  OnnxDataType,
  OnnxRuntime,
  OnnxSession,
  OnnxTensor,
  OnnxValueMetadata,
} from './onnx/session.js';
export { type PrecisionRecall, type PrecisionRecallOptions, precisionRecall } from './precision-recall.js';
export { type FeatureStatistics, featureStatistics, StatisticsAccumulator } from './statistics.js';
