export type { FeatureNetwork, ImageFeatures } from './feature-network.js';
export { type FrechetDistance, frechetDistance } from './frechet.js';
export type { ImageSet, RgbImage } from './image-set.js';
export { type InceptionScore, inceptionScore } from './inception-score.js';
export { type KernelDistance, kernelDistance } from './kernel-distance.js';
export type { Matrix } from './matrix.js';
export { type PrecisionRecall, precisionRecall } from './precision-recall.js';
export { type FeatureStatistics, featureStatistics, StatisticsAccumulator } from './statistics.js';
