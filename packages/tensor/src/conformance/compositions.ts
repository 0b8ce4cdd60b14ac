import type { TensorFunction } from '../ops.js';
import { bool, type HostTensor, int32, named, type Tensors } from '../types.js';
import { integers, normal } from './case.js';
import { gradientOf } from './functions.js';

/** Function of several primitives, which tests how an engine combines them. */
export interface Composition {
  readonly name: string;
  readonly fn: TensorFunction;
  readonly inputs: Tensors<HostTensor>;
}

/** Attention of one head with a norm and a causal mask, and the mean cross-entropy of its result as logits. */
const attentionLoss: TensorFunction = (ops, inputs) => {
  const [x, weight] = [named(inputs, 'x'), named(inputs, 'weight')]; // [T, D], [D, 3 D]
  const [length = 0, width = 0] = ops.shapeOf(x);
  const normed = ops.rmsNorm(x, named(inputs, 'norm'), 1e-5);
  const [q, k, v] = ops.split(ops.matmul(normed, weight), -1, [width, width, width]) as [typeof x, typeof x, typeof x];
  const mask = Uint8Array.from({ length: length ** 2 }, (_, i) => Number(i % length <= i / length));
  const scores = ops.matmul(q, k, { transposeB: true, scale: width ** -0.5 });
  const attention = ops.softmax(ops.select(ops.constant(bool([length, length], mask)), scores, -1e30)); // [T, T]
  const logits = ops.add(x, ops.silu(ops.matmul(attention, v)));
  const losses = ops.neg(ops.takeLast(ops.logSoftmax(logits), named(inputs, 'targets')));
  return { loss: ops.mean(losses), logits };
};

const attentionInputs = {
  x: normal([4, 6]),
  weight: normal([6, 18]),
  norm: normal([6]),
  targets: integers([4], 0, 6),
};

/** Compositions of the conformance suite. */
export const compositions: readonly Composition[] = [
  {
    name: 'an input returned as it is, twice, beside a result',
    fn: (ops, inputs) => {
      const x = named(inputs, 'x');
      return { same: x, again: x, double: ops.add(x, x) };
    },
    inputs: { x: normal([2, 3]) },
  },
  {
    name: 'a result returned twice and used further',
    fn: (ops, inputs) => {
      const y = ops.exp(named(inputs, 'x'));
      return { y, again: y, further: ops.mul(y, y) };
    },
    inputs: { x: normal([2, 3]) },
  },
  {
    name: 'a row that multiplies from the right, transposed and as it is',
    fn: (ops, inputs) => {
      const [x, row] = [named(inputs, 'x'), named(inputs, 'row')]; // [9, 6], [1, 6]
      const y = ops.matmul(x, row, { transposeB: true }); // [9, 1]
      return { y, z: ops.matmul(y, row) };
    },
    inputs: { x: normal([9, 6]), row: normal([1, 6], 1) },
  },
  {
    name: 'an input that is not used',
    fn: (ops, inputs) => ({ y: ops.neg(named(inputs, 'x')) }),
    inputs: { x: normal([2]), unused: normal([3], 1) },
  },
  {
    name: 'no inputs, and constants of every type as results',
    fn: (ops) => ({
      float: ops.constant(normal([2, 3])),
      whole: ops.constant(int32([2], [-1, 5])),
      truth: ops.constant(bool([3], [1, 0, 1])),
      scalar: ops.scalar(2.5),
      computed: ops.add(ops.constant(int32([2], [-1, 5])), 1),
    }),
    inputs: {},
  },
  {
    name: 'numbers that take the type of their partner',
    fn: (ops, inputs) => {
      const [x, n] = [named(inputs, 'x'), named(inputs, 'n')];
      const positive = ops.less(ops.scalar(0), x);
      return {
        float: ops.sub(1, ops.mul(x, 0.5)),
        whole: ops.add(ops.mul(n, 3), -7),
        clipped: ops.maximum(ops.minimum(n, 2), -2),
        chosen: ops.select(positive, x, 0),
        wholeChosen: ops.select(positive, -1, n),
      };
    },
    inputs: { x: normal([5]), n: integers([5], -9, 9) },
  },
  {
    name: 'negative axes, split and joined, reduced with and without the axes',
    fn: (ops, inputs) => {
      const x = named(inputs, 'x'); // [2, 3, 4]
      const [left, right] = ops.split(x, -1, [1, 3]) as [typeof x, typeof x];
      return {
        joined: ops.concat([right, left], -1),
        rows: ops.sum(x, { axes: -1 }),
        kept: ops.mean(x, { axes: [0, -1], keepDims: true }),
        all: ops.max(x),
        flat: ops.reshape(x, [-1, 4]),
      };
    },
    inputs: { x: normal([2, 3, 4]) },
  },
  {
    name: 'whole numbers computed and used as indices',
    fn: (ops, inputs) => {
      const table = named(inputs, 'table');
      const best = ops.argMax(named(inputs, 'scores'));
      const other = ops.cast(ops.less(best, ops.scalar(1, 'int32')), 'int32');
      return { best, rows: ops.takeRows(table, best), others: ops.takeRows(table, other) };
    },
    inputs: { table: normal([3, 2]), scores: normal([4, 3]) },
  },
  { name: 'attention and cross-entropy', fn: attentionLoss, inputs: attentionInputs },
  {
    name: 'gradients of attention and cross-entropy',
    fn: gradientOf(attentionLoss, ['x', 'weight', 'norm']),
    inputs: attentionInputs,
  },
];
