export { type ImageFormat, imageFormatOf } from '../decode/image-format.js';
export {
  type CheckOptions,
  checkImages,
  findDamaged,
  type ImageCheck,
  type SoundImages,
  withoutDamaged,
} from './check-images.js';
export { decodeImage } from './decode-image.js';
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
export { openImageArray } from './image-array.js';
export { openImageFolder } from './image-folder.js';
export { checkSameImages, describeImageChange, imageListFile, readImageList, writeImageList } from './image-list.js';
export { type MergedImages, type MergeOptions, mergeImages } from './merge.js';
export { type EvaluationSet, openEvaluationSet, readNpyMatrix } from './open-set.js';
export { pngContent, pngRecordKey, readPngRecord } from './png-record.js';
export type { ImageFile, StoredImageSet } from './stored-image-set.js';
