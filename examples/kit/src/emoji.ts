export { augment } from './emoji/augment.js';
export {
  decodeImages,
  type Emoji,
  type EmojiEntry,
  type EmojiFile,
  type ImageSet,
  imageAt,
  imageSize,
  isValidation,
  listEmoji,
  loadEmoji,
  readEntries,
  type Vendor,
} from './emoji/images.js';
export { encodeAll, imagesAt, patchesAt, patchesOf, randomBatches, rowsAt } from './emoji/tokens.js';
