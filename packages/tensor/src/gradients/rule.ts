import type { Ops } from '../ops.js';
import type { AttributesOf, Primitive } from '../primitives.js';
import { sameShape } from '../shape.js';
import type { Shape } from '../types.js';

/** What a gradient rule sees: one application of a primitive, and the gradient of the loss by its output. */
export interface RuleContext<T, Attributes> {
  readonly ops: Ops<T>;
  /** Inputs of the application. */
  readonly x: readonly T[];
  /** Its output. */
  readonly y: T;
  readonly attributes: Attributes;
  /** Gradient of the loss by `y`, of y's shape. */
  readonly g: T;
}

/** The gradient of a slice: `value` belongs at `start` along `axis`, everything else is zero. */
export interface SliceGradient<T> {
  readonly axis: number;
  readonly start: number;
  readonly value: T;
}

/** The gradient by one input, computed only if it is wanted. */
export type Pullback<T> = () => T | SliceGradientOf<T>;

/** Marks a slice's gradient, so that the tape can join the gradients of several slices without padding each. */
export class SliceGradientOf<T> {
  constructor(readonly slice: SliceGradient<T>) {}
}

/** A pullback for each input, or `null` where an input is never differentiated (indices, conditions, tables). */
export type GradientRule<P extends Primitive> = <T>(
  context: RuleContext<T, AttributesOf<P>>,
) => readonly (Pullback<T> | null)[];

/** The rules of a group of primitives. */
export type GradientRules<P extends Primitive> = { readonly [Q in P]: GradientRule<Q> };

/** Input `index` of an application (the shape rules have checked that it is there). */
export function inputOf<T>(x: readonly T[], index: number): T {
  return x[index] as T;
}

/** Sums a gradient over the axes along which its input was broadcast. */
export function unbroadcast<T>(ops: Ops<T>, gradient: T, shape: Shape): T {
  const from = ops.shapeOf(gradient);
  if (sameShape(from, shape)) return gradient;
  const lead = from.length - shape.length;
  const axes = from.flatMap((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : []));
  return ops.reshape(ops.sum(gradient, { axes, keepDims: true }), shape);
}
