import type { Ops } from '../ops.js';
import type { BinaryPrimitive, ElementwisePrimitive } from '../primitives.js';
import { type GradientRules, type RuleContext, unbroadcast } from './rule.js';

/** Gradient by `winner` of max(winner, loser): g where it is larger, g / 2 where both are equal. */
function shareOfWinner<T>(ops: Ops<T>, g: T, winner: T, loser: T): T {
  const tied = ops.select(ops.equal(winner, loser), ops.mul(g, 0.5), 0);
  return unbroadcast(ops, ops.select(ops.less(loser, winner), g, tied), ops.shapeOf(winner));
}

/** Functions that sum a gradient to the shape of the first and of the second input. */
function toInputs<T>({ ops, x: [a, b] }: RuleContext<BinaryPrimitive, T>): { toA: (g: T) => T; toB: (g: T) => T } {
  return {
    toA: (g) => unbroadcast(ops, g, ops.shapeOf(a)),
    toB: (g) => unbroadcast(ops, g, ops.shapeOf(b)),
  };
}

/** Gradient rules of the elementwise primitives. */
export const elementwiseRules: GradientRules<ElementwisePrimitive> = {
  neg: ({ ops, g }) => [() => ops.neg(g)],
  abs: ({ ops, x: [a], g }) => [
    () => {
      const zero = ops.scalar(0);
      return ops.select(ops.less(a, zero), ops.neg(g), ops.select(ops.less(zero, a), g, 0));
    },
  ],
  exp: ({ ops, y, g }) => [() => ops.mul(g, y)],
  log: ({ ops, x: [a], g }) => [() => ops.div(g, a)],
  sqrt: ({ ops, y, g }) => [() => ops.div(ops.mul(g, 0.5), y)],
  reciprocal: ({ ops, y, g }) => [() => ops.neg(ops.mul(g, ops.square(y)))],
  sin: ({ ops, x: [a], g }) => [() => ops.mul(g, ops.cos(a))],
  cos: ({ ops, x: [a], g }) => [() => ops.neg(ops.mul(g, ops.sin(a)))],
  tanh: ({ ops, y, g }) => [() => ops.mul(g, ops.sub(1, ops.square(y)))],
  erf: ({ ops, x: [a], g }) => [() => ops.mul(g, ops.mul(ops.exp(ops.neg(ops.square(a))), 2 / Math.sqrt(Math.PI)))],
  sigmoid: ({ ops, y, g }) => [() => ops.mul(g, ops.mul(y, ops.sub(1, y)))],
  // y = x s, y' = s + x s (1 - s) = s + y (1 - s)
  silu: ({ ops, x: [a], y, g }) => [
    () => {
      const s = ops.sigmoid(a);
      return ops.mul(g, ops.add(s, ops.mul(y, ops.sub(1, s))));
    },
  ],
  not: () => [null],
  // Only casts between different types are recorded, and they have no gradient.
  cast: () => [null],

  add: (context) => {
    const { toA, toB } = toInputs(context);
    return [() => toA(context.g), () => toB(context.g)];
  },
  sub: (context) => {
    const { toA, toB } = toInputs(context);
    return [() => toA(context.g), () => context.ops.neg(toB(context.g))];
  },
  mul: (context) => {
    const { ops, x, g } = context;
    const { toA, toB } = toInputs(context);
    return [() => toA(ops.mul(g, x[1])), () => toB(ops.mul(g, x[0]))];
  },
  div: (context) => {
    const { ops, x, y, g } = context;
    const { toA, toB } = toInputs(context);
    return [() => toA(ops.div(g, x[1])), () => ops.neg(toB(ops.mul(g, ops.div(y, x[1]))))];
  },
  maximum: ({ ops, x: [a, b], g }) => [() => shareOfWinner(ops, g, a, b), () => shareOfWinner(ops, g, b, a)],
  minimum: ({ ops, x: [a, b], g }) => [
    () => shareOfWinner(ops, g, ops.neg(a), ops.neg(b)),
    () => shareOfWinner(ops, g, ops.neg(b), ops.neg(a)),
  ],
  equal: () => [null, null],
  less: () => [null, null],
  lessEqual: () => [null, null],
  and: () => [null, null],
  or: () => [null, null],
  select: ({ ops, x: [condition, whenTrue, whenFalse], g }) => [
    null,
    () => unbroadcast(ops, ops.select(condition, g, 0), ops.shapeOf(whenTrue)),
    () => unbroadcast(ops, ops.select(condition, 0, g), ops.shapeOf(whenFalse)),
  ],
};
