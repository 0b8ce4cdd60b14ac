import { imageReadingKinds, imageSetKinds, rgbImageKinds } from './image-set.js';
import { imageSizeKinds } from './resize/resize.js';
import { resizeMethodKind } from './resize/resize-method.js';
import { storedImageSetKinds } from './sets/stored-image-set.js';

/** Kinds of image data, for the argument checks of functions that take them. */
export const imageKinds = {
  image: rgbImageKinds,
  size: imageSizeKinds,
  resizeMethod: resizeMethodKind,
  reading: imageReadingKinds,
  set: imageSetKinds,
  storedSet: storedImageSetKinds,
} as const;
