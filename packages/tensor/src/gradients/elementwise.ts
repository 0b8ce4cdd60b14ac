import type { Ops } from '../ops.js';
import type { ElementwisePrimitive, None } from '../primitives.js';
import { type GradientRules, inputOf, type RuleContext, unbroadcast } from './rule.js';

/** Gradient by `winner` of max(winner, loser): all of g where it is larger, half where both are equal. */
function shareOfWinner<T>(ops: Ops<T>, g: T, winner: T, loser: T): T {
  const tied = ops.select(ops.equal(winner, loser), ops.mul(g, 0.5), 0);
  return unbroadcast(ops, ops.select(ops.less(loser, winner), g, tied), ops.shapeOf(winner));
}

function pair<T>({ ops, x }: RuleContext<T, None>): { a: T; b: T; toA: (g: T) => T; toB: (g: T) => T } {
  const [a, b] = [inputOf(x, 0), inputOf(x, 1)];
  return {
    a,
    b,
    toA: (g) => unbroadcast(ops, g, ops.shapeOf(a)),
    toB: (g) => unbroadcast(ops, g, ops.shapeOf(b)),
  };
}

export const elementwiseRules: GradientRules<ElementwisePrimitive> = {
  neg: ({ ops, g }) => [() => ops.neg(g)],
  abs: ({ ops, x, g }) => [
    () => {
      const a = inputOf(x, 0);
      const zero = ops.scalar(0);
      return ops.select(ops.less(a, zero), ops.neg(g), ops.select(ops.less(zero, a), g, 0));
    },
  ],
  exp: ({ ops, y, g }) => [() => ops.mul(g, y)],
  log: ({ ops, x, g }) => [() => ops.div(g, inputOf(x, 0))],
  sqrt: ({ ops, y, g }) => [() => ops.div(ops.mul(g, 0.5), y)],
  reciprocal: ({ ops, y, g }) => [() => ops.neg(ops.mul(g, ops.square(y)))],
  sin: ({ ops, x, g }) => [() => ops.mul(g, ops.cos(inputOf(x, 0)))],
  cos: ({ ops, x, g }) => [() => ops.neg(ops.mul(g, ops.sin(inputOf(x, 0))))],
  tanh: ({ ops, y, g }) => [() => ops.mul(g, ops.sub(1, ops.square(y)))],
  sigmoid: ({ ops, y, g }) => [() => ops.mul(g, ops.mul(y, ops.sub(1, y)))],
  // y = x s, y' = s + x s (1 - s) = s + y (1 - s)
  silu: ({ ops, x, y, g }) => [
    () => {
      const s = ops.sigmoid(inputOf(x, 0));
      return ops.mul(g, ops.add(s, ops.mul(y, ops.sub(1, s))));
    },
  ],
  not: () => [null],
  // Only a cast between different types is recorded, and those have no gradient.
  cast: () => [null],

  add: (context) => {
    const { toA, toB } = pair(context);
    return [() => toA(context.g), () => toB(context.g)];
  },
  sub: (context) => {
    const { toA, toB } = pair(context);
    return [() => toA(context.g), () => context.ops.neg(toB(context.g))];
  },
  mul: (context) => {
    const { ops, g } = context;
    const { a, b, toA, toB } = pair(context);
    return [() => toA(ops.mul(g, b)), () => toB(ops.mul(g, a))];
  },
  div: (context) => {
    const { ops, y, g } = context;
    const { b, toA, toB } = pair(context);
    return [() => toA(ops.div(g, b)), () => ops.neg(toB(ops.mul(g, ops.div(y, b))))];
  },
  maximum: (context) => {
    const { a, b } = pair(context);
    return [() => shareOfWinner(context.ops, context.g, a, b), () => shareOfWinner(context.ops, context.g, b, a)];
  },
  minimum: (context) => {
    const { ops, g } = context;
    const { a, b } = pair(context);
    const share = (winner: typeof a, loser: typeof a) => shareOfWinner(ops, g, ops.neg(winner), ops.neg(loser));
    return [() => share(a, b), () => share(b, a)];
  },
  equal: () => [null, null],
  less: () => [null, null],
  lessEqual: () => [null, null],
  and: () => [null, null],
  or: () => [null, null],
  select: ({ ops, x, g }) => {
    const [condition, whenTrue, whenFalse] = [inputOf(x, 0), inputOf(x, 1), inputOf(x, 2)];
    return [
      null,
      () => unbroadcast(ops, ops.select(condition, g, 0), ops.shapeOf(whenTrue)),
      () => unbroadcast(ops, ops.select(condition, 0, g), ops.shapeOf(whenFalse)),
    ];
  },
};
