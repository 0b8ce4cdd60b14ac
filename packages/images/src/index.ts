export { formatColor, parseColor } from './color.js';
export { type CropOptions, cropVariants, variantsOf } from './crop/crops.js';
export { centerSquare, fittedSquare } from './crop/squares.js';
export {
  checkBackground,
  type ImageInspection,
  type ImageReading,
  type ImageSet,
  type Rgb,
  type RgbImage,
} from './image-set.js';
export { imageKinds } from './kinds.js';
export type { ImageSize } from './resize/resize.js';
export { type ByteFilter, resizeBytes } from './resize/resize-bytes.js';
export { describeResize, type ResizeMethod, resizeImage, resizeMethods } from './resize/resize-method.js';
export { pillowBicubic, type Taps } from './resize/taps.js';
export { BatchQueue } from './training/batch-queue.js';
export { EpochOrder, type EpochOrderOptions, type ImageVisits } from './training/epoch-order.js';
