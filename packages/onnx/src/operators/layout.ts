import { type HostTensor, hostTensor, int32, type Ops, type Shape, sizeOf } from '@dpar/tensor';
import { Constant, type OperatorCall, type Operators, Several } from './call.js';

/**
 * Elements along one axis by constant positions: the axis becomes rows, which are gathered.
 * @returns x with `positions.length` elements along the axis.
 */
export function takeAlong<T>(ops: Ops<T>, x: T, axis: number, positions: readonly number[]): T {
  const [first = 0] = positions;
  const run = positions.every((position, i) => position === first + i);
  if (run) return ops.slice(x, axis, first, positions.length);
  const toFront = swapped(ops.shapeOf(x).length, axis);
  const rows = ops.takeRows(ops.transpose(x, toFront), ops.constant(int32([positions.length], positions)));
  return ops.transpose(rows, toFront);
}

/** Permutation that exchanges an axis with the first one. */
function swapped(rank: number, axis: number): number[] {
  return Array.from({ length: rank }, (_, i) => (i === 0 ? axis : i === axis ? 0 : i));
}

function reshape<T>(call: OperatorCall<T>): T {
  const from = call.shape(0);
  const to = call.numbers(1, 'shape') ?? [];
  const keepsZeros = call.int('allowzero', 0) === 1;
  const shape = to.map((size, axis) => (size === 0 && !keepsZeros ? (from[axis] ?? 0) : size));
  const known = sizeOf(shape.filter((size) => size !== -1));
  const fits = shape.includes(-1) ? sizeOf(from) % Math.max(1, known) === 0 : sizeOf(shape) === sizeOf(from);
  if (fits) return call.ops.reshape(call.x(0), shape);
  throw call.refuse(
    `a tensor that can be reshaped to [${shape.join(', ')}]`,
    `[${from.join(', ')}]`,
    'If the network was exported for a fixed batch, export it with an open first axis (dynamic_axes or dynamic_shapes).',
  );
}

function flatten<T>(call: OperatorCall<T>): T {
  const shape = call.shape(0);
  const axis = call.axis(call.int('axis', 1), shape.length);
  return call.ops.reshape(call.x(0), [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))]);
}

function unsqueeze<T>(call: OperatorCall<T>): T {
  const from = call.shape(0);
  const axes = call.numbers(1, 'axes') ?? [];
  const added = new Set(axes.map((axis) => call.axis(axis, from.length + axes.length)));
  const rest = [...from];
  const shape = Array.from({ length: from.length + axes.length }, (_, i) => (added.has(i) ? 1 : (rest.shift() ?? 1)));
  return call.ops.reshape(call.x(0), shape);
}

function squeeze<T>(call: OperatorCall<T>): T {
  const from = call.shape(0);
  const axes = call.numbers(1, 'axes')?.map((axis) => call.axis(axis, from.length));
  const shape = from.filter((size, axis) => (axes === undefined ? size !== 1 : !axes.includes(axis)));
  return call.ops.reshape(call.x(0), shape);
}

/** Numbers of elements that an axis is cut into. */
function splitSizes<T>(call: OperatorCall<T>, size: number): readonly number[] {
  const given = call.numbers(1, 'split');
  if (given !== undefined) return given;
  const parts = call.int('num_outputs', call.node.outputs.length);
  const largest = Math.ceil(size / parts);
  return Array.from({ length: parts }, (_, i) => Math.min(largest, size - i * largest));
}

function split<T>(call: OperatorCall<T>): Several<T> {
  const shape = call.shape(0);
  const axis = call.axis(call.int('axis', 0), shape.length);
  return new Several(call.ops.split(call.x(0), axis, splitSizes(call, shape[axis] ?? 0)));
}

/** Positions of a slice, as in NumPy: limits beyond the ends are clamped. */
function positionsOf(size: number, start: number, end: number, step: number): number[] {
  const clamp = (value: number, low: number, high: number): number =>
    Math.max(low, Math.min(high, value < 0 ? value + size : value));
  const positions: number[] = [];
  if (step > 0) for (let i = clamp(start, 0, size); i < clamp(end, 0, size); i += step) positions.push(i);
  else for (let i = clamp(start, 0, size - 1); i > clamp(end, -1, size - 1); i += step) positions.push(i);
  return positions;
}

function slice<T>(call: OperatorCall<T>): T {
  const starts = call.numbers(1, 'starts') ?? [];
  const ends = call.numbers(2, 'ends') ?? [];
  const axes = call.numbers(3, 'axes') ?? starts.map((_, i) => i);
  const steps = call.numbers(4, 'steps') ?? starts.map(() => 1);
  return axes.reduce((x, given, i) => {
    const shape = call.ops.shapeOf(x);
    const axis = call.axis(given, shape.length);
    const size = shape[axis] ?? 0;
    const [start = 0, end = size, step = 1] = [starts[i], ends[i], steps[i]];
    if (start === 0 && end >= size && step === 1) return x;
    return takeAlong(call.ops, x, axis, positionsOf(size, start, end, step));
  }, call.x(0));
}

function gather<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const shape = call.shape(0);
  const axis = call.axis(call.int('axis', 0), shape.length);
  const indices = call.constant(1, 'indices');
  const size = shape[axis] ?? 0;
  const positions = Array.from(indices.data, (index) => (index < 0 ? index + size : index));
  const taken = takeAlong(ops, call.x(0), axis, positions);
  return ops.reshape(taken, [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)]);
}

function expand<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const from = call.shape(0);
  const wanted = call.numbers(1, 'shape') ?? [];
  const rank = Math.max(from.length, wanted.length);
  const aligned = (shape: Shape): number[] => [...Array.from({ length: rank - shape.length }, () => 1), ...shape];
  const [a, b] = [aligned(from), aligned(wanted)];
  const shape = a.map((size, axis) => (size === 1 ? (b[axis] ?? 1) : size));
  if (call.dtype(0) !== 'bool') return ops.broadcast(call.x(0), shape);
  return ops.cast(ops.broadcast(ops.cast(call.x(0), 'int32'), shape), 'bool');
}

function tile<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  return (call.numbers(1, 'repeats') ?? []).reduce((x, times, axis) => {
    return times === 1
      ? x
      : ops.concat(
          Array.from({ length: times }, () => x),
          axis,
        );
  }, call.x(0));
}

/** Positions that extend an axis by mirroring (without the edge) or by repeating the edge. */
function extended(size: number, before: number, after: number, mode: string): number[] {
  const last = size - 1;
  const inside = (i: number): number => {
    if (mode === 'edge') return Math.max(0, Math.min(last, i));
    if (mode === 'wrap') return ((i % size) + size) % size;
    return i < 0 ? -i : i > last ? 2 * last - i : i;
  };
  return Array.from({ length: before + size + after }, (_, i) => inside(i - before));
}

function pad<T>(call: OperatorCall<T>): T {
  const { ops } = call;
  const rank = call.shape(0).length;
  const pads = call.numbers(1, 'pads') ?? [];
  const axes = call.numbers(3, '')?.map((axis) => call.axis(axis, rank)) ?? Array.from({ length: rank }, (_, i) => i);
  const mode = call.string('mode', 'constant');
  const value = call.has(2) ? (call.constant(2, 'a padding')?.data[0] ?? 0) : call.float('value', 0);
  // Zeros are padded, so another number is subtracted first.
  const isShifted = mode === 'constant' && value !== 0;
  if (!Number.isFinite(value)) throw call.refuse('a finite padding', `${value}`);
  let x = isShifted ? ops.sub(call.x(0), value) : call.x(0);
  axes.forEach((axis, i) => {
    const [before = 0, after = 0] = [pads[i], pads[i + axes.length]];
    if (before === 0 && after === 0) return;
    const size = ops.shapeOf(x)[axis] ?? 0;
    const cut = ops.slice(x, axis, Math.max(0, -before), size + Math.min(0, before) + Math.min(0, after));
    const added: [number, number] = [Math.max(0, before), Math.max(0, after)];
    x =
      mode === 'constant'
        ? ops.pad(cut, axis, ...added)
        : takeAlong(ops, cut, axis, extended(ops.shapeOf(cut)[axis] ?? 0, ...added, mode));
  });
  return isShifted ? ops.add(x, value) : x;
}

function shapeOf<T>(call: OperatorCall<T>): Constant {
  const shape = call.shape(0);
  const sizes = shape.slice(call.int('start', 0), call.node.attributes.end?.int);
  return new Constant(int32([sizes.length], sizes));
}

function constantOfShape<T>(call: OperatorCall<T>): Constant {
  const shape = call.numbers(0, 'shape') ?? [];
  const value = valueAttribute(call) ?? hostTensor('float32', [1]);
  const data = Array.from({ length: sizeOf(shape) }, () => value.data[0] ?? 0);
  return new Constant(hostTensor(value.dtype, shape, data));
}

function valueAttribute<T>(call: OperatorCall<T>): HostTensor | undefined {
  const tensor = call.node.attributes.value?.tensor;
  if (tensor === undefined || 'value' in tensor) return tensor?.value;
  throw call.refuse('a constant of numbers', tensor.unreadable);
}

function constant<T>(call: OperatorCall<T>): Constant {
  const found = valueAttribute(call);
  if (found !== undefined) return new Constant(found);
  const { value_float: float, value_floats: floats, value_int: int, value_ints: ints } = call.node.attributes;
  if (float?.float !== undefined) return new Constant(hostTensor('float32', [], [float.float]));
  if (int?.int !== undefined) return new Constant(int32([], [int.int]));
  if (floats?.floats) return new Constant(hostTensor('float32', [floats.floats.length], floats.floats));
  if (ints?.ints) return new Constant(int32([ints.ints.length], ints.ints));
  throw call.refuse('a constant of numbers', `one with ${Object.keys(call.node.attributes).join(', ') || 'no value'}`);
}

function range<T>(call: OperatorCall<T>): Constant {
  const [start = 0, limit = 0, delta = 1] = [0, 1, 2].map((input) => call.constant(input, 'a range').data[0]);
  const length = Math.max(0, Math.ceil((limit - start) / delta));
  const data = Array.from({ length }, (_, i) => start + i * delta);
  return new Constant(hostTensor(call.dtype(0), [length], data));
}

/** Operators that move elements, and the arithmetic of shapes. */
export const layout: Operators = {
  Reshape: reshape,
  Flatten: flatten,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Transpose: (call) => {
    const axes = call.shape(0).map((_, axis) => axis);
    return call.ops.transpose(call.x(0), call.ints('perm') ?? axes.reverse());
  },
  Concat: (call) => call.ops.concat(call.all(), call.axis(call.int('axis', 0), call.shape(0).length)),
  Split: split,
  Slice: slice,
  Gather: gather,
  Expand: expand,
  Tile: tile,
  Pad: pad,
  Shape: shapeOf,
  Size: (call) => new Constant(int32([], [sizeOf(call.shape(0))])),
  ConstantOfShape: constantOfShape,
  Constant: constant,
  Range: range,
};
