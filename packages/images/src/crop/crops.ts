import type { KindsOf } from '@dpar/check';
import { checkArguments } from '../check-arguments.js';
import { type Rgb, type RgbImage, rgbImageKinds } from '../image-set.js';
import { centerSquare, cutSquare, fittedSquare, mirrored, roundHalfEven } from './squares.js';

/** Squares of an image that are tokenized. */
export interface CropOptions {
  /**
   * `center`: the square in the middle. `fit`: the whole image on a square of the background. `ten`: the corners and the middle
   * of a larger square, and all five mirrored.
   */
  readonly crop: 'center' | 'fit' | 'ten';
  /** The mirrored square too. Not with `ten`, which has it. */
  readonly flip: boolean;
  /** Width and height of the squares in pixels. */
  readonly size: number;
  /** Width of the square from which `ten` takes its crops, in widths of a crop. */
  readonly cropRange: number;
  /** Colour beside the image with `fit`. Default: white. */
  readonly background?: Rgb | undefined;
}

export const cropOptionsKinds: KindsOf<CropOptions> = {
  crop: "'center' | 'fit' | 'ten'",
  flip: 'boolean',
  size: 'number',
  cropRange: 'number',
  'background?': 'number[]',
};

/** Variants of each image, V. */
export function variantsOf(options: CropOptions): number {
  checkArguments('variantsOf', { options }, { options: cropOptionsKinds });
  return options.crop === 'ten' ? 10 : options.flip ? 2 : 1;
}

/**
 * The variants of an image as LlamaGen's extraction of codes makes them: the crop and, with `flip`, its mirror image; or ten
 * crops in the order of torchvision's TenCrop (top left, top right, bottom left, bottom right, middle, then these mirrored).
 * @throws DparError if the image is empty or its bytes do not match its size.
 */
export function cropVariants(image: RgbImage, options: CropOptions): RgbImage[] {
  checkArguments('cropVariants', { image, options }, { image: rgbImageKinds, options: cropOptionsKinds });
  const { crop, flip, size, cropRange, background } = options;
  if (crop !== 'ten') {
    const square = crop === 'fit' ? fittedSquare(image, size, background) : centerSquare(image, size);
    return flip ? [square, mirrored(square)] : [square];
  }
  const square = centerSquare(image, Math.trunc(size * cropRange));
  const rest = square.width - size;
  const middle = roundHalfEven(rest / 2);
  const corners = [
    [0, 0],
    [0, rest],
    [rest, 0],
    [rest, rest],
    [middle, middle],
  ] as const;
  const crops = corners.map(([top, left]) => cutSquare(square, top, left, size));
  return [...crops, ...crops.map(mirrored)];
}
