export { cachedFeatures, type ExtractedFile, extractToFile, featureCachePath, partsFolder } from './extract-file.js';
export { type ExtractOptions, extractFeatures } from './feature-batches.js';
export {
  type ReferenceStatistics,
  readFeatures,
  type StoredFeatures,
  writeFeatures,
  writeStatistics,
} from './feature-file.js';
export {
  collectFeatures,
  collectParts,
  defaultPartImages,
  type ExtractedParts,
  type ExtractPartsOptions,
  extractParts,
  featureSettingsFile,
  readFeatureFolder,
  readFeatureSettings,
} from './feature-parts.js';
export { FeatureCollector, type FeatureOrigin, type FeatureSet, originOf } from './feature-set.js';
export { type MergedImages, type MergeOptions, mergeImages } from './merge.js';
export { type EvaluationSet, openEvaluationSet, readNpyMatrix } from './open-set.js';
