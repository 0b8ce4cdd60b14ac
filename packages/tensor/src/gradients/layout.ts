import { type GradientRules, type RuleContext, SliceGradientOf, unbroadcast } from './rule.js';

type Layout = 'reshape' | 'transpose' | 'broadcast' | 'concat' | 'slice' | 'pad';
type Indexing = 'takeRows' | 'scatterAddRows' | 'takeRowsOnce' | 'takeLast' | 'scatterLast';
type Reduction = 'sum' | 'mean' | 'max' | 'argMax';

/** Gradient of a sum: the same for each summed element. */
function spread<T>({ ops, x: [a], g }: RuleContext<'sum' | 'mean', T>): T {
  return ops.broadcast(g, ops.shapeOf(a));
}

/** Gradient rules of the primitives that move, gather or reduce elements. */
export const layoutRules: GradientRules<Layout | Indexing | Reduction> = {
  reshape: ({ ops, x: [a], g }) => [() => ops.reshape(g, ops.shapeOf(a))],
  transpose: ({ ops, attributes: { permutation }, g }) => [
    () =>
      ops.transpose(
        g,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
  ],
  broadcast: ({ ops, x: [a], g }) => [() => unbroadcast(ops, g, ops.shapeOf(a))],
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
  pad: ({ ops, x: [a], attributes: { axis, before }, g }) => [
    () => ops.slice(g, axis, before, ops.shapeOf(a)[axis] ?? 0),
  ],

  takeRows: ({ ops, x: [rows, indices], g }) => [() => ops.scatterAddRows(g, indices, ops.shapeOf(rows)[0] ?? 0), null],
  scatterAddRows: ({ ops, x: [, indices], g }) => [() => ops.takeRows(g, indices), null],
  takeRowsOnce: ({ ops, x: [rows, indices, inverse], g }) => {
    const flat = ops.reshape(indices, [-1]);
    const places = ops.shapeOf(flat)[0] ?? 0;
    // The adjoint of moving rows is moving them back.
    return [() => ops.takeRowsOnce(ops.reshape(g, [places, ...ops.shapeOf(rows).slice(1)]), inverse, flat), null, null];
  },
  takeLast: ({ ops, x: [a, indices], g }) => [() => ops.scatterLast(g, indices, ops.shapeOf(a).at(-1) ?? 0), null],
  scatterLast: ({ ops, x: [, indices], g }) => [() => ops.takeLast(g, indices), null],

  sum: (context) => [() => spread(context)],
  mean: (context) => [
    () => {
      const { ops, x, attributes } = context;
      const shape = ops.shapeOf(x[0]);
      const count = attributes.axes.reduce((product, axis) => product * (shape[axis] ?? 1), 1);
      return ops.mul(spread(context), 1 / count);
    },
  ],
  // Equal maxima share the gradient evenly.
  max: ({ ops, x: [a], y, attributes: { axes }, g }) => [
    () => {
      const isMaximum = ops.cast(ops.equal(a, y), 'float32');
      return ops.mul(isMaximum, ops.div(g, ops.sum(isMaximum, { axes, keepDims: true })));
    },
  ],
  argMax: () => [null],
};
