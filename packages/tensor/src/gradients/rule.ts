import type { Ops } from '../ops.js';
import type { AttributesOf, InputsOf, Primitive } from '../primitives.js';
import { sameShape } from '../shape.js';
import type { Shape } from '../types.js';

/** One application of a primitive, and the gradient of the loss by its output. */
export interface RuleContext<P extends Primitive, T> {
  readonly ops: Ops<T>;
  /** Inputs of the application. */
  readonly x: InputsOf<P, T>;
  /** Output of the application. */
  readonly y: T;
  readonly attributes: AttributesOf<P>;
  /** Gradient of the loss by `y`, of y's shape. */
  readonly g: T;
}

/** Gradient of a slice: `value` belongs at `start` along `axis`, everything else is zero. */
export interface SliceGradient<T> {
  readonly axis: number;
  readonly start: number;
  readonly value: T;
}

/** Computes the gradient by one input. It is called only if that gradient is wanted. */
export type Pullback<T> = () => T | SliceGradientOf<T>;

/** Marks the gradient of a slice, so that the tape can join several of them without padding each. */
export class SliceGradientOf<T> {
  constructor(readonly slice: SliceGradient<T>) {}
}

/** A pullback for each input, or `null` where an input has no gradient (indices, conditions, tables). */
export type GradientRule<P extends Primitive> = <T>(context: RuleContext<P, T>) => readonly (Pullback<T> | null)[];

/** Rules of a group of primitives. */
export type GradientRules<P extends Primitive> = { readonly [Q in P]: GradientRule<Q> };

/** Sums a gradient over the axes along which its input was broadcast. */
export function unbroadcast<T>(ops: Ops<T>, gradient: T, shape: Shape): T {
  const from = ops.shapeOf(gradient);
  if (sameShape(from, shape)) return gradient;
  const lead = from.length - shape.length;
  const axes = from.flatMap((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : []));
  return ops.reshape(ops.sum(gradient, { axes, keepDims: true }), shape);
}
