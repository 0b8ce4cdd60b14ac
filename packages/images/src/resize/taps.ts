import { checkArguments } from '../check-arguments.js';

/** Weights of a resized row: place i is the sum of the `count` pixels from `first[i]`, times `weights[i * count + k]`. */
export interface Taps {
  readonly count: number;
  readonly first: Int32Array;
  readonly weights: Float64Array;
}

/** Makes the taps that bring a row of `from` pixels to one of `to`. */
export type TapsRule = (from: number, to: number) => Taps;

/** Linear interpolation at a source position for each place. Positions beyond the last pixel give the last pixel. */
function linear(from: number, to: number, position: (place: number) => number): Taps {
  const count = Math.min(2, from);
  const first = new Int32Array(to);
  const weights = new Float64Array(to * count);
  for (let i = 0; i < to; i++) {
    const at = Math.min(position(i), from - 1);
    const lower = Math.min(Math.floor(at), from - count);
    first[i] = lower;
    weights[i * count] = 1;
    if (count === 2) {
      weights[2 * i] = 1 - (at - lower);
      weights[2 * i + 1] = at - lower;
    }
  }
  return { count, first, weights };
}

/**
 * TensorFlow 1's ResizeBilinear: place i is at i from / to, which shifts images by part of a pixel. Without antialiasing,
 * shrinking skips pixels. Positions are rounded to float32, as in TensorFlow.
 */
export const tensorFlowBilinear: TapsRule = (from, to) => {
  const scale = Math.fround(from / to);
  return linear(from, to, (place) => Math.fround(place * scale));
};

/**
 * PyTorch's bilinear interpolation with `align_corners=False` and without antialiasing: place i is at
 * (i + 0.5) from / to - 0.5, at least 0. Positions are rounded to float32, as in PyTorch.
 */
export const pyTorchBilinear: TapsRule = (from, to) => {
  const scale = Math.fround(from / to);
  return linear(from, to, (place) => Math.max(0, Math.fround(Math.fround(scale * (place + 0.5)) - 0.5)));
};

/** Keys' cubic convolution with a = -0.5, which Pillow calls bicubic. */
function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** Kernel of the mean of the pixels that a place covers. */
function box(x: number): number {
  return x > -0.5 && x <= 0.5 ? 1 : 0;
}

/**
 * Taps of Pillow's antialiased bicubic, which is also PyTorch's with `antialias=True`: shrinking widens the kernel in proportion.
 * Weights sum to 1, also at the borders.
 * @param from Number of pixels of the row.
 * @param to Number of pixels of the resized row.
 */
export function pillowBicubic(from: number, to: number): Taps {
  checkArguments('pillowBicubic', { from, to }, { from: 'number', to: 'number' });
  return pillowTaps(from, to, cubic, 2);
}

/** Pillow's box filter: the mean of the pixels that a place covers. */
export const pillowBox: TapsRule = (from, to) => pillowTaps(from, to, box, 0.5);

function pillowTaps(from: number, to: number, kernel: (x: number) => number, reach: number): Taps {
  const scale = from / to;
  const width = Math.max(1, scale);
  const support = reach * width;
  const count = Math.min(from, 2 * Math.ceil(support) + 1);
  const first = new Int32Array(to);
  const weights = new Float64Array(to * count);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    // Near the end of the row unused taps come first, so all taps lie in the row.
    first[i] = Math.min(begin, from - count);
    let sum = 0;
    for (let k = begin; k < end; k++) sum += kernel((k - center + 0.5) / width);
    for (let k = begin; k < end; k++) {
      weights[i * count + k - (first[i] as number)] = kernel((k - center + 0.5) / width) / sum;
    }
  }
  return { count, first, weights };
}
