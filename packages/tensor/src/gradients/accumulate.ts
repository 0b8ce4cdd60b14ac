import type { Ops } from '../ops.js';
import type { Shape } from '../types.js';
import { type SliceGradient, SliceGradientOf } from './rule.js';

/**
 * Sum of the gradients of one tensor of the given shape. Gradients of slices that do not overlap are concatenated, which
 * is cheaper than padding and adding each.
 */
export function sumOfGradients<T>(ops: Ops<T>, parts: readonly (T | SliceGradientOf<T>)[], shape: Shape): T {
  const whole: T[] = [];
  const slices: SliceGradient<T>[] = [];
  for (const part of parts) {
    if (part instanceof SliceGradientOf) slices.push(part.slice);
    else whole.push(part);
  }
  return [...whole, ...joinSlices(ops, slices, shape)].reduce((sum, part) => ops.add(sum, part));
}

function joinSlices<T>(ops: Ops<T>, slices: readonly SliceGradient<T>[], shape: Shape): T[] {
  const [first] = slices;
  if (first === undefined) return [];
  const { axis } = first;
  const length = shape[axis] ?? 0;
  const zeros = (size: number): T =>
    ops.broadcast(
      ops.scalar(0),
      shape.map((dimension, i) => (i === axis ? size : dimension)),
    );
  const parts: T[] = [];
  const rest: SliceGradient<T>[] = [];
  let end = 0;
  for (const slice of [...slices].sort((a, b) => a.start - b.start)) {
    if (slice.axis !== axis || slice.start < end) {
      rest.push(slice);
      continue;
    }
    if (slice.start > end) parts.push(zeros(slice.start - end));
    parts.push(slice.value);
    end = slice.start + (ops.shapeOf(slice.value)[axis] ?? 0);
  }
  if (end < length) parts.push(zeros(length - end));
  return [ops.concat(parts, axis), ...joinSlices(ops, rest, shape)];
}
