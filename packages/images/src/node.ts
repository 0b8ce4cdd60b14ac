export { decodeImage } from './decode/decode-image.js';
export { type ImageFormat, imageFormatOf } from './decode/image-format.js';
export {
  type InspectOptions,
  inspectPictures,
  type LengthSpread,
  type PictureCount,
  type PictureInspection,
} from './inspect/inspect-pictures.js';
export {
  type CheckOptions,
  checkImages,
  findDamaged,
  type ImageCheck,
  type SoundImages,
  selectImages,
  withoutDamaged,
} from './sets/check-images.js';
export { imageArray, isImageArray, openImageArray } from './sets/image-array.js';
export { type ImageFolderOptions, openImageFolder } from './sets/image-folder.js';
export {
  checkSameImages,
  describeImageChange,
  imageListFile,
  readImageList,
  writeImageList,
} from './sets/image-list.js';
export { sampleSettingsFile } from './sets/list-folder.js';
export { pngContent, pngRecordKey, readPngRecord } from './sets/png-record.js';
export type { ImageFile, StoredImageSet } from './sets/stored-image-set.js';
export { usualThreads as usualImageThreads } from './threads/picture-threads.js';
export {
  type DamagedPicture,
  type ImageBatch,
  type ImageSource,
  type ImageSourceOptions,
  openImageSource,
} from './training/image-source.js';
export { type PictureSplit, splitPictures } from './training/split-pictures.js';
