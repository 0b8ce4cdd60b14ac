import { type ConvolutionAttributes, float32, type HostTensor, type Ops, type Shape } from '@dpar/tensor';
import type { OperatorCall, Operators } from './call.js';

type Padding = ConvolutionAttributes['padding'];

/** Window of a convolution or of pooling over images [B, C, H, W]. */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly padding: Padding;
}

/**
 * Window that the attributes of a node describe.
 * @param kernel Height and width, with dilation.
 * @throws DparError for images of other dimensions than two, and different strides.
 */
export function windowOf<T>(call: OperatorCall<T>, kernel: Shape): Window {
  const shape = call.shape(0);
  const [height, width] = kernel;
  if (shape.length !== 4 || height === undefined || width === undefined) {
    throw call.refuse('images [B, C, H, W]', `[${shape.join(', ')}]`);
  }
  const [stride = 1, columnStride = stride] = call.ints('strides') ?? [1];
  if (stride !== columnStride) throw call.refuse('equal strides of rows and columns', `${stride} and ${columnStride}`);
  return { kernel: [height, width], stride, padding: paddingOf(call, [height, width], stride) };
}

function paddingOf<T>(call: OperatorCall<T>, kernel: readonly [number, number], stride: number): Padding {
  const automatic = call.string('auto_pad', 'NOTSET');
  const [top = 0, left = 0, bottom = 0, right = 0] = call.ints('pads') ?? [];
  if (automatic === 'NOTSET') return [top, left, bottom, right];
  if (automatic === 'VALID') return [0, 0, 0, 0];
  // SAME: as many windows as strides fit, an odd rest after (UPPER) or before (LOWER).
  const [, , ...sizes] = call.shape(0);
  const sides = sizes.map((size, axis) => {
    const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + (kernel[axis] ?? 1) - size);
    const less = Math.floor(total / 2);
    return automatic === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
  });
  const [rows = [], columns = []] = sides;
  return [rows[0] ?? 0, columns[0] ?? 0, rows[1] ?? 0, columns[1] ?? 0];
}

/** Kernel with zeros between its elements, which a dilated convolution skips. */
function dilated({ shape, data }: HostTensor, [byRow = 1, byColumn = byRow]: readonly number[]): HostTensor {
  const [outputs = 0, inputs = 0, height = 0, width = 0] = shape;
  const [rows, columns] = [(height - 1) * byRow + 1, (width - 1) * byColumn + 1];
  const spread = float32([outputs, inputs, rows, columns]);
  for (let plane = 0; plane < outputs * inputs; plane++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        spread.data[(plane * rows + i * byRow) * columns + j * byColumn] = data[
          (plane * height + i) * width + j
        ] as number;
      }
    }
  }
  return spread;
}

function convolve<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const dilations = call.ints('dilations') ?? [1, 1];
  const isDilated = dilations.some((dilation) => dilation !== 1);
  const kernel = isDilated ? dilated(call.constant(1, 'a dilated kernel'), dilations) : call.known(1);
  const weightShape = kernel?.shape ?? call.shape(1);
  const window = windowOf(call, weightShape.slice(2));
  const groups = call.int('group', 1);
  const [, channels = 0] = call.shape(0);
  const weight = isDilated && kernel !== undefined ? ops.constant(kernel) : call.x(1);
  let y: T;
  if (groups === 1) y = ops.conv2d(call.x(0), weight, { stride: window.stride, padding: window.padding });
  else if (groups === channels) y = depthwise(ops, call.x(0), kernel ?? call.constant(1, 'a kernel'), window);
  else y = grouped(ops, call.x(0), weight, window, groups);
  return call.has(2) ? ops.add(y, ops.reshape(call.x(2), [-1, 1, 1])) : y;
}

/** Convolution in groups of channels: one convolution for each group. */
function grouped<T>(ops: Ops<T>, x: T, weight: T, { stride, padding }: Window, groups: number): T {
  const parts = (tensor: T, axis: number): T[] => {
    const size = (ops.shapeOf(tensor)[axis] ?? 0) / groups;
    return ops.split(tensor, axis, new Array(groups).fill(size));
  };
  const weights = parts(weight, 0);
  return ops.concat(
    parts(x, 1).map((part, i) => ops.conv2d(part, weights[i] as T, { stride, padding })),
    1,
  );
}

/**
 * Convolution of each channel by kernels of its own, as products: a row of the kernel moves along a row of pixels by a
 * banded matrix [W, W'] for each channel. One product for each row of the kernel then reads and adds whole images.
 * @param x [B, C, H, W]
 * @param weight [C * M, 1, h, w]
 * @returns [B, C * M, H', W']
 */
function depthwise<T>(ops: Ops<T>, x: T, weight: HostTensor, { kernel, stride, padding }: Window): T {
  const [B = 0, C = 0, H = 0, W = 0] = ops.shapeOf(x);
  const [outputs = 0] = weight.shape;
  const [h] = kernel;
  const [top, left, bottom, right] = padding;
  const rows = Math.floor((H + top + bottom - h) / stride) + 1;
  const columns = Math.floor((W + left + right - kernel[1]) / stride) + 1;
  const repeats = outputs / C;
  const each =
    repeats === 1
      ? x
      : ops.reshape(ops.broadcast(ops.reshape(x, [B, C, 1, H, W]), [B, C, repeats, H, W]), [B, outputs, H, W]);
  // Rows enough to cut `rows` strides from every row of the kernel.
  const after = Math.max(0, h - 1 + rows * stride - H - top);
  const padded = ops.pad(each, 2, top, after);
  const taken = Array.from({ length: h }, (_, i) => {
    const cut = ops.slice(padded, 2, i, rows * stride);
    const every = ops.slice(ops.reshape(cut, [B, outputs, rows, stride, W]), 3, 0, 1);
    const pixels = stride === 1 ? cut : ops.reshape(every, [B, outputs, rows, W]);
    const band = bandOf(weight, i, W, columns, left, stride);
    return ops.matmul(pixels, ops.constant(band)); // [B, C, H', W] [C, W, W']
  });
  return taken.reduce((sum, part) => ops.add(sum, part));
}

/** Matrices [C, W, W'] that apply one row of each channel's kernel to a row of pixels. */
function bandOf(weight: HostTensor, row: number, from: number, to: number, left: number, stride: number): HostTensor {
  const [outputs = 0, , height = 0, width = 0] = weight.shape;
  const band = float32([outputs, from, to]);
  for (let channel = 0; channel < outputs; channel++) {
    for (let column = 0; column < to; column++) {
      for (let j = 0; j < width; j++) {
        const pixel = column * stride - left + j;
        if (pixel < 0 || pixel >= from) continue;
        const value = weight.data[(channel * height + row) * width + j] as number;
        band.data[(channel * from + pixel) * to + column] = value;
      }
    }
  }
  return band;
}

/** Convolutions. */
export const convolutions: Operators = { Conv: convolve };
