import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type RgbImage, rgbImageKinds } from '../image-set.js';
import { type ImageSize, imageSizeKinds, resample } from './resample.js';
import { pillowBicubic, pyTorchBilinear, type TapsRule, tensorFlowBilinear } from './taps.js';

/** How images come to a network's size, each as one evaluator does it. */
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
  throw new DparError(`resizeImage: expected 'resize' to be one of ${resizeMethods.join(', ')}, got ${method}.`);
}

/** A method in words, with what it is comparable to. @throws DparError for an unknown method. */
export function describeResize(method: ResizeMethod): string {
  checkArguments('describeResize', { method }, { method: "'adm' | 'pytorch' | 'clean'" });

  return resizeOf(method).description;
}

/**
 * Brings an image to a size. Nothing is rounded to whole numbers or clipped: `clean` may go beyond 0..255.
 *
 * - `adm`: TensorFlow 1's ResizeBilinear without half-pixel centres, as in the graph that the ADM evaluator runs.
 * - `pytorch`: `F.interpolate(mode='bilinear', align_corners=False)`, as in pytorch-fid.
 * - `clean`: Pillow's bicubic of each channel as float (mode F), which antialiases, as in clean-fid (Parmar et al. 2022,
 *   arXiv:2104.11222).
 *
 * @returns Planes of red, green and blue, [3, height, width], in about 0..255.
 * @throws DparError if the image is empty or has not the bytes of its size, or for an unknown method.
 */
export function resizeImage(image: RgbImage, size: ImageSize, method: ResizeMethod): Float32Array {
  checkArguments(
    'resizeImage',
    { image, size, method },
    { image: rgbImageKinds, size: imageSizeKinds, method: "'adm' | 'pytorch' | 'clean'" },
  );

  return resample(image, size, resizeOf(method).taps);
}
