import { float32, type HostTensor } from '@dpar/tensor';
import type { OperatorCall, Operators } from './call.js';

/** Rules by which places of a resized axis are found in the original. */
interface Sampling {
  readonly mode: string;
  /** `coordinate_transformation_mode` */
  readonly coordinates: string;
  /** `nearest_mode` */
  readonly nearest: string;
  /** `cubic_coeff_a` */
  readonly cubic: number;
}

/** Place in the original axis of place i of the result, rounded to float32 as in ONNX Runtime: ties then fall alike. */
function placeOf(i: number, from: number, to: number, scale: number, coordinates: string): number {
  switch (coordinates) {
    case 'asymmetric':
      return Math.fround(i / scale);
    case 'align_corners':
      return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    case 'pytorch_half_pixel':
      return to === 1 ? 0 : Math.fround((i + 0.5) / scale) - 0.5;
    default:
      return Math.fround((i + 0.5) / scale) - 0.5; // half_pixel
  }
}

const roundings: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Weights of a place between pixels: of the pixels around it, the first of which is given. */
function weightsAt(place: number, { mode, nearest, cubic }: Sampling): readonly [first: number, weights: number[]] {
  if (mode === 'nearest') return [(roundings[nearest] ?? Math.floor)(place), [1]];
  const first = Math.floor(place);
  const t = place - first;
  if (mode === 'linear') return [first, [1 - t, t]];
  // Cubic convolution (Keys 1981) with the coefficient a.
  const near = (x: number): number => ((cubic + 2) * x - (cubic + 3)) * x * x + 1;
  const far = (x: number): number => ((cubic * x - 5 * cubic) * x + 8 * cubic) * x - 4 * cubic;
  return [first - 1, [far(1 + t), near(t), near(1 - t), far(2 - t)]];
}

/** Matrix [to, from] that resizes an axis. Pixels beyond the edge repeat it. */
function resizeMatrix(from: number, to: number, scale: number, sampling: Sampling): HostTensor {
  const matrix = float32([to, from]);
  for (let i = 0; i < to; i++) {
    const [first, weights] = weightsAt(placeOf(i, from, to, scale, sampling.coordinates), sampling);
    weights.forEach((weight, j) => {
      const pixel = Math.max(0, Math.min(from - 1, first + j));
      matrix.data[i * from + pixel] = (matrix.data[i * from + pixel] as number) + weight;
    });
  }
  return matrix;
}

/** Scales of the axes, and their new sizes. */
function targetOf<T>(call: OperatorCall<T>): { scales: readonly number[]; sizes: readonly number[] } {
  const shape = call.shape(0);
  const [scaleInput, sizeInput] = call.node.opType === 'Upsample' || call.opset < 11 ? [1, 3] : [2, 3];
  const given = call.has(scaleInput) ? call.numbers(scaleInput, 'scales') : call.node.attributes.scales?.floats;
  const sizes = call.has(sizeInput) ? call.numbers(sizeInput, 'sizes') : undefined;
  if (sizes !== undefined && sizes.length > 0) {
    return { sizes, scales: sizes.map((size, axis) => size / (shape[axis] ?? 1)) };
  }
  const scales = given ?? [];
  // The product rounds to float32, as in ONNX Runtime: 0.7 of 10 pixels are 7.
  return { scales, sizes: shape.map((size, axis) => Math.floor(Math.fround(size * (scales[axis] ?? 1)))) };
}

function resize<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const shape = call.shape(0);
  const { scales, sizes } = targetOf(call);
  const [, , ...original] = shape;
  const isOld = call.node.opType === 'Upsample' || call.opset < 11;
  const sampling: Sampling = {
    mode: call.string('mode', 'nearest'),
    coordinates: call.string('coordinate_transformation_mode', isOld ? 'asymmetric' : 'half_pixel'),
    nearest: call.string('nearest_mode', isOld ? 'floor' : 'round_prefer_floor'),
    cubic: call.float('cubic_coeff_a', -0.75),
  };
  if (shape.length !== 4 || sizes.length !== 4 || sizes[0] !== shape[0] || sizes[1] !== shape[1]) {
    throw call.refuse('images [B, C, H, W] to resize', `[${shape.join(', ')}] to [${sizes.join(', ')}]`);
  }
  if (call.int('antialias', 0) === 1) throw call.refuse('a resize without antialiasing', 'antialias = 1');
  if (call.int('exclude_outside', 0) === 1 || sampling.coordinates === 'tf_crop_and_resize') {
    throw call.refuse('a resize of whole images', "'exclude_outside' or 'tf_crop_and_resize'");
  }
  const [rows, columns] = [2, 3].map((axis, i) =>
    resizeMatrix(original[i] ?? 1, sizes[axis] ?? 1, scales[axis] ?? 1, sampling),
  ) as [HostTensor, HostTensor];
  const wide = ops.matmul(call.x(0), ops.constant(columns), { transposeB: true }); // [B, C, H, W']
  return ops.matmul(ops.constant(rows), wide); // [B, C, H', W']
}

/** Resizing of images: linear in the pixels, so a product for each axis. */
export const resizing: Operators = { Resize: resize, Upsample: resize };
