export type { FeatureNetwork, ImageFeatures } from './feature-network.js';
export { type FrechetDistance, frechetDistance } from './frechet.js';
export {
  type FrechetExtrapolation,
  type FrechetExtrapolationOptions,
  frechetExtrapolation,
} from './frechet-extrapolation.js';
export { type FrechetInterval, type FrechetIntervalOptions, frechetInterval } from './frechet-interval.js';
export type { ImageSet, RgbImage } from './image-set.js';
export {
  type InceptionScore,
  InceptionScoreAccumulator,
  type InceptionScoreOptions,
  inceptionScore,
} from './inception-score.js';
export { type KernelDistance, type KernelDistanceOptions, kernelDistance } from './kernel-distance.js';
export type { Matrix } from './matrix.js';
export { type PrecisionRecall, type PrecisionRecallOptions, precisionRecall } from './precision-recall.js';
export { type FeatureStatistics, featureStatistics, StatisticsAccumulator } from './statistics.js';
