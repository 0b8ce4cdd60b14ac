import { float32, type HostTensor, type Ops, sizeOf } from '@dpar/tensor';
import type { OperatorCall, Operators } from './call.js';

/**
 * Batch norm in inference as a multiplication and an addition for each channel, computed in float64:
 * (x - mean) / sqrt(variance + epsilon) scale + bias.
 * @param parts Scale, bias, mean and variance [C].
 */
export function batchNormLine(
  parts: readonly HostTensor[],
  epsilon: number,
): { readonly factor: Float64Array; readonly addend: Float64Array } {
  const [scale, bias, mean, variance] = parts.map(({ data }) => data) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const factor = Float64Array.from(scale, (value, i) => value / Math.sqrt((variance[i] as number) + epsilon));
  const addend = Float64Array.from(bias, (value, i) => value - (mean[i] as number) * (factor[i] as number));
  return { factor, addend };
}

function batchNorm<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  if (call.int('training_mode', 0) === 1) throw call.refuse('batch norm in inference', 'training_mode = 1');
  const parts = ['a scale', 'a bias', 'a mean', 'a variance'].map((what, i) => call.constant(i + 1, what));
  const { factor, addend } = batchNormLine(parts, call.float('epsilon', 1e-5));
  const rank = call.shape(0).length;
  const perChannel = (values: Float64Array): T =>
    ops.constant(float32([values.length, ...Array.from({ length: rank - 2 }, () => 1)], values));
  return ops.add(ops.mul(call.x(0), perChannel(factor)), perChannel(addend));
}

/** Subtracts the mean of the last axis and divides by the deviation, times a weight [D] or 1. */
function normalizeRows<T>(ops: Ops<T>, x: T, epsilon: number, weight?: T): T {
  const centred = ops.sub(x, ops.mean(x, { axes: -1, keepDims: true }));
  const width = ops.shapeOf(x).at(-1) ?? 1;
  // The root mean square of centred rows is their deviation.
  return ops.rmsNorm(centred, weight ?? ops.broadcast(ops.scalar(1), [width]), epsilon);
}

function layerNorm<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const shape = call.shape(0);
  const axis = call.axis(call.int('axis', -1), shape.length);
  const width = sizeOf(shape.slice(axis));
  const flat = ops.reshape(call.x(0), [...shape.slice(0, axis), width]);
  const whole = sizeOf(call.shape(1)) === width;
  const normalized = normalizeRows(
    ops,
    flat,
    call.float('epsilon', 1e-5),
    whole ? ops.reshape(call.x(1), [width]) : undefined,
  );
  const scaled = whole ? ops.reshape(normalized, shape) : ops.mul(ops.reshape(normalized, shape), call.x(1));
  return call.has(2) ? ops.add(scaled, call.x(2)) : scaled;
}

/** Root mean square norm of the trailing axes. */
function rootMeanSquareNorm<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const shape = call.shape(0);
  const axis = call.axis(call.int('axis', -1), shape.length);
  const width = sizeOf(shape.slice(axis));
  const flat = ops.reshape(call.x(0), [...shape.slice(0, axis), width]);
  const ones = ops.broadcast(ops.scalar(1), [width]);
  return ops.mul(ops.reshape(ops.rmsNorm(flat, ones, call.float('epsilon', 1e-5)), shape), call.x(1));
}

/** Norm over groups of channels and all positions; in instance norm each channel is a group. */
function groupNorm<T>(call: OperatorCall<T>, groups: number): T {
  const { ops } = call;
  const shape = call.shape(0);
  const [B = 0, C = 0, ...sizes] = shape;
  const rows = ops.reshape(call.x(0), [B, groups, -1]);
  const normalized = normalizeRows(ops, rows, call.float('epsilon', 1e-5));
  const perChannel = (input: number): T => {
    const [given = 1] = call.shape(input);
    // Operator set 18 had one number for each group.
    const each = given === C ? call.x(input) : repeated(ops, call.x(input), C / groups);
    return ops.reshape(each, [C, ...sizes.map(() => 1)]);
  };
  return ops.add(ops.mul(ops.reshape(normalized, shape), perChannel(1)), perChannel(2));
}

function repeated<T>(ops: Ops<T>, x: T, times: number): T {
  const [size = 0] = ops.shapeOf(x);
  return ops.reshape(ops.broadcast(ops.reshape(x, [size, 1]), [size, times]), [size * times]);
}

/** Divides by the norm along an axis. */
function lpNorm<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const x = call.x(0);
  const options = { axes: call.axis(call.int('axis', -1), call.shape(0).length), keepDims: true };
  const norm = call.int('p', 2) === 1 ? ops.sum(ops.abs(x), options) : ops.sqrt(ops.sum(ops.square(x), options));
  return ops.div(x, norm);
}

/** Norms. */
export const normalization: Operators = {
  BatchNormalization: batchNorm,
  LayerNormalization: layerNorm,
  RMSNormalization: rootMeanSquareNorm,
  InstanceNormalization: (call) => groupNorm(call, call.shape(0)[1] ?? 1),
  GroupNormalization: (call) => groupNorm(call, call.int('num_groups', 1)),
  LpNormalization: lpNorm,
};
