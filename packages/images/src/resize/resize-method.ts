import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type RgbImage, rgbImageKinds } from '../image-set.js';
import { type ImageSize, imageSizeKinds, resample } from './resize.js';
import { resizeBytes } from './resize-bytes.js';
import { pillowBicubic, pyTorchBilinear, type TapsRule, tensorFlowBilinear } from './taps.js';

/** Resize method of one of the evaluators. */
export type ResizeMethod = 'adm' | 'pytorch' | 'clean' | 'pillow';

/** Kind of a {@link ResizeMethod}. */
export const resizeMethodKind = "'adm' | 'pytorch' | 'clean' | 'pillow'";

interface Resize {
  /** Planes [3, height, width] of a resized image. */
  readonly planes: (image: RgbImage, size: ImageSize) => Float32Array;
  readonly description: string;
}

const unrounded =
  (rule: TapsRule): Resize['planes'] =>
  (image, size) =>
    resample(image, size, rule);

const resizes: Readonly<Record<ResizeMethod, Resize>> = {
  adm: {
    planes: unrounded(tensorFlowBilinear),
    description: 'bilinear as in TensorFlow 1; comparable to the ADM evaluator and torch-fidelity',
  },
  pytorch: {
    planes: unrounded(pyTorchBilinear),
    description: 'bilinear as in PyTorch, without antialiasing; comparable to pytorch-fid',
  },
  clean: {
    planes: unrounded(pillowBicubic),
    description: 'antialiased bicubic as in Pillow, unrounded; comparable to clean-fid',
  },
  pillow: {
    planes: (image, size) => planesOf(resizeBytes(image, size, 'bicubic')),
    description: 'antialiased bicubic as in Pillow, rounded to bytes; comparable to dgm-eval',
  },
};

/** Planes of red, green and blue of an image. */
function planesOf({ width, height, data }: RgbImage): Float32Array {
  const area = width * height;
  const planes = new Float32Array(3 * area);
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) planes[channel * area + i] = data[3 * i + channel] as number;
  }
  return planes;
}

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
  checkArguments('describeResize', { method }, { method: resizeMethodKind });
  return resizeOf(method).description;
}

/**
 * Resizes an image. Only `pillow` rounds values to whole numbers and clips them to 0..255. `clean` may exceed this range.
 *
 * - `adm`: TensorFlow 1's ResizeBilinear without half-pixel centres, as in the graph of the ADM evaluator.
 * - `pytorch`: `F.interpolate(mode='bilinear', align_corners=False)`, as in pytorch-fid.
 * - `clean`: Pillow's antialiased bicubic of each channel as float (mode F), as in clean-fid (Parmar et al. 2022,
 *   arXiv:2104.11222).
 * - `pillow`: Pillow's antialiased bicubic of 8 bits, as in dgm-eval with DINOv2 (Stein et al. 2023, arXiv:2306.04675).
 *
 * @returns Planes of red, green and blue, [3, height, width], in about 0..255.
 * @throws DparError if the image is empty, its bytes do not match its size, or the method is unknown.
 */
export function resizeImage(image: RgbImage, size: ImageSize, method: ResizeMethod): Float32Array {
  checkArguments(
    'resizeImage',
    { image, size, method },
    { image: rgbImageKinds, size: imageSizeKinds, method: resizeMethodKind },
  );
  return resizeOf(method).planes(image, size);
}
