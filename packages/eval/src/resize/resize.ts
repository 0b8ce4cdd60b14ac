import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type RgbImage, rgbImageKinds } from '../image-set.js';
import { type ImageSize, imageSizeKinds, resample } from './resample.js';
import { pillowBicubic, pyTorchBilinear, type TapsRule, tensorFlowBilinear } from './taps.js';

/** Resize method of one of the evaluators. */
export type ResizeMethod = 'adm' | 'pytorch' | 'clean';

interface Resize {
  readonly taps: TapsRule;
  readonly description: string;
}

const resizes: Readonly<Record<ResizeMethod, Resize>> = {
  adm: {
    taps: tensorFlowBilinear,
    description: 'bilinear as in TensorFlow 1; comparable to the ADM evaluator and torch-fidelity',
  },
  pytorch: {
    taps: pyTorchBilinear,
    description: 'bilinear as in PyTorch, without antialiasing; comparable to pytorch-fid',
  },
  clean: {
    taps: pillowBicubic,
    description: 'antialiased bicubic as in Pillow, unrounded; comparable to clean-fid',
  },
};

/** All methods. */
export const resizeMethods = Object.keys(resizes) as ResizeMethod[];

function resizeOf(method: ResizeMethod): Resize {
  if (Object.hasOwn(resizes, method)) return resizes[method];
  throw new DparError(
    `resizeImage: expected 'resize' to be one of ${resizeMethods.join(', ')}, got ${method}. Pass one of these.`,
  );
}

/** Description of a method, with the evaluators that it matches. @throws DparError for an unknown method. */
export function describeResize(method: ResizeMethod): string {
  checkArguments('describeResize', { method }, { method: "'adm' | 'pytorch' | 'clean'" });
  return resizeOf(method).description;
}

/**
 * Resizes an image. Values are neither rounded to whole numbers nor clipped: `clean` may exceed 0..255.
 *
 * - `adm`: TensorFlow 1's ResizeBilinear without half-pixel centres, as in the graph of the ADM evaluator.
 * - `pytorch`: `F.interpolate(mode='bilinear', align_corners=False)`, as in pytorch-fid.
 * - `clean`: Pillow's antialiased bicubic of each channel as float (mode F), as in clean-fid (Parmar et al. 2022,
 *   arXiv:2104.11222).
 *
 * @returns Planes of red, green and blue, [3, height, width], in about 0..255.
 * @throws DparError if the image is empty, its bytes do not match its size, or the method is unknown.
 */
export function resizeImage(image: RgbImage, size: ImageSize, method: ResizeMethod): Float32Array {
  checkArguments(
    'resizeImage',
    { image, size, method },
    { image: rgbImageKinds, size: imageSizeKinds, method: "'adm' | 'pytorch' | 'clean'" },
  );
  return resample(image, size, resizeOf(method).taps);
}
