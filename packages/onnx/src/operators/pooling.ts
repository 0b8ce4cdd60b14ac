import type { Ops } from '@dpar/tensor';
import type { OperatorCall, Operators } from './call.js';
import { type Window, windowOf } from './convolution.js';

/** Window of a pooling node. With `ceil_mode`, more padding at the end completes the last windows. */
function poolingWindow<T>(call: OperatorCall<T>): Window {
  if (call.ints('dilations')?.some((dilation) => dilation !== 1)) {
    throw call.refuse('pooling without dilation', `dilations ${call.ints('dilations')}`);
  }
  const { kernel, stride, padding } = windowOf(call, call.ints('kernel_shape') ?? []);
  if (call.int('ceil_mode', 0) === 0) return { kernel, stride, padding };
  const [top, left, bottom, right] = padding;
  const [, , height = 0, width = 0] = call.shape(0);
  const rest = (size: number, before: number, after: number, length: number): number => {
    const windows = Math.ceil((size + before + after - length) / stride) + 1;
    // A window must begin within the image or its first padding.
    const begun = (windows - 1) * stride >= size + before ? windows - 1 : windows;
    return Math.max(0, (begun - 1) * stride + length - size - before - after);
  };
  return {
    kernel,
    stride,
    padding: [top, left, bottom + rest(height, top, bottom, kernel[0]), right + rest(width, left, right, kernel[1])],
  };
}

function maximum<T>(call: OperatorCall<T>): T {
  return call.ops.maxPool2d(call.x(0), poolingWindow(call));
}

function average<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const window = poolingWindow(call);
  const [top, left, bottom, right] = window.padding;
  const isPadded = top + left + bottom + right > 0;
  if (!isPadded || call.int('count_include_pad', 0) === 0) return ops.averagePool2d(call.x(0), window);
  if (call.int('ceil_mode', 0) === 1) {
    throw call.refuse('averages that either count the padding or complete windows', 'count_include_pad with ceil_mode');
  }
  const padded = ops.pad(ops.pad(call.x(0), 2, top, bottom), 3, left, right);
  return ops.averagePool2d(padded, { kernel: window.kernel, stride: window.stride });
}

function overAll(reduce: <T>(ops: Ops<T>, x: T, axes: readonly number[]) => T) {
  return <T>(call: OperatorCall<T>): T => {
    const axes = call.shape(0).flatMap((_, axis) => (axis < 2 ? [] : [axis]));
    return reduce(call.ops, call.x(0), axes);
  };
}

/** Pooling. */
export const pooling: Operators = {
  MaxPool: maximum,
  AveragePool: average,
  GlobalAveragePool: overAll((ops, x, axes) => ops.mean(x, { axes, keepDims: true })),
  GlobalMaxPool: overAll((ops, x, axes) => ops.max(x, { axes, keepDims: true })),
};
