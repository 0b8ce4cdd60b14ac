import type { ReductionAttributes } from '../primitives.js';
import { type GradientRules, inputOf, type RuleContext, SliceGradientOf, unbroadcast } from './rule.js';

type Layout = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad';
type Indexing = 'takeRows' | 'scatterAddRows' | 'takeRowsOnce' | 'takeLast' | 'scatterLast';
type Reduction = 'sum' | 'mean' | 'max' | 'argMax';

/** The gradient of a sum: the same for each element that was summed. */
function spread<T>({ ops, x, g }: RuleContext<T, ReductionAttributes>): T {
  return ops.broadcast(g, ops.shapeOf(inputOf(x, 0)));
}

export const layoutRules: GradientRules<Layout | Indexing | Reduction> = {
  reshape: ({ ops, x, g }) => [() => ops.reshape(g, ops.shapeOf(inputOf(x, 0)))],
  transpose: ({ ops, attributes: { permutation }, g }) => [
    () =>
      ops.transpose(
        g,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
  ],
  broadcast: ({ ops, x, g }) => [() => unbroadcast(ops, g, ops.shapeOf(inputOf(x, 0)))],
  concat: ({ ops, x, attributes: { axis }, g }) => {
    let end = 0;
    return x.map((part) => {
      const size = ops.shapeOf(part)[axis] ?? 0;
      const start = end;
      end += size;
      return () => ops.slice(g, axis, start, size);
    });
  },
  slice: ({ attributes: { axis, start }, g }) => [() => new SliceGradientOf({ axis, start, value: g })],
  pad: ({ ops, x, attributes: { axis, before }, g }) => [
    () => ops.slice(g, axis, before, ops.shapeOf(inputOf(x, 0))[axis] ?? 0),
  ],

  takeRows: ({ ops, x, g }) => [() => ops.scatterAddRows(g, inputOf(x, 1), ops.shapeOf(inputOf(x, 0))[0] ?? 0), null],
  scatterAddRows: ({ ops, x, g }) => [() => ops.takeRows(g, inputOf(x, 1)), null],
  takeRowsOnce: ({ ops, x, g }) => {
    const [rows, indices, inverse] = [inputOf(x, 0), inputOf(x, 1), inputOf(x, 2)];
    const flat = ops.reshape(indices, [-1]);
    const places = ops.shapeOf(flat)[0] ?? 0;
    // The adjoint of moving rows is moving them back.
    return [() => ops.takeRowsOnce(ops.reshape(g, [places, ...ops.shapeOf(rows).slice(1)]), inverse, flat), null, null];
  },
  takeLast: ({ ops, x, g }) => [() => ops.scatterLast(g, inputOf(x, 1), ops.shapeOf(inputOf(x, 0)).at(-1) ?? 0), null],
  scatterLast: ({ ops, x, g }) => [() => ops.takeLast(g, inputOf(x, 1)), null],

  sum: (context) => [() => spread(context)],
  mean: (context) => [
    () => {
      const shape = context.ops.shapeOf(inputOf(context.x, 0));
      const count = context.attributes.axes.reduce((product, axis) => product * (shape[axis] ?? 1), 1);
      return context.ops.mul(spread(context), 1 / count);
    },
  ],
  // Shared evenly between equal maxima.
  max: ({ ops, x, y, attributes: { axes }, g }) => [
    () => {
      const isMaximum = ops.cast(ops.equal(inputOf(x, 0), y), 'float32');
      return ops.mul(isMaximum, ops.div(g, ops.sum(isMaximum, { axes, keepDims: true })));
    },
  ],
  argMax: () => [null],
};
