import { type HostTensor, named, type Ops, referenceOps, type Tensors } from '@dpar/tensor';
import { findMismatch } from '@dpar/tensor/conformance';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type GraphNode, reachable } from './node.js';
import { trace } from './trace.js';

/** Computes a traced graph with the reference implementation. */
function evaluate(outputs: Tensors<GraphNode>, inputs: Tensors<HostTensor>): Tensors<HostTensor> {
  const values = new Map<GraphNode, HostTensor>();
  const computed = (node: GraphNode): HostTensor => values.get(node) as HostTensor;
  for (const node of reachable(Object.values(outputs))) {
    if (node.kind === 'input') values.set(node, inputs[node.name] as HostTensor);
    else if (node.kind === 'constant') values.set(node, node.value);
    else if (node.kind === 'operation')
      values.set(node, referenceOps.apply(node.primitive, node.inputs.map(computed), node.attributes));
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, node]) => [name, computed(node)]));
}

/** One step of a random program: what to do, and numbers to choose operands and attributes by. */
interface Step {
  readonly what: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

function pick<V>(values: readonly V[], number: number): V {
  return values[number % values.length] as V;
}

type Action = <T>(ops: Ops<T>, x: T, y: T, step: Step) => T;

/** x in the layout [2, 3], from any tensor of 1, 2, 3 or 6 elements. */
function matrix<T>(ops: Ops<T>, x: T): T {
  const size = ops.shapeOf(x).reduce((product, n) => product * n, 1);
  const shape = size === 6 ? [2, 3] : size === 3 ? [1, 3] : size === 2 ? [2, 1] : [1, 1];
  return ops.broadcast(ops.reshape(x, shape), [2, 3]);
}

const actions: readonly Action[] = [
  (ops, x, y) => ops.add(matrix(ops, x), matrix(ops, y)),
  (ops, x, y) => ops.sub(matrix(ops, x), matrix(ops, y)),
  (ops, x, y) => ops.mul(matrix(ops, x), matrix(ops, y)),
  (ops, x, y) => ops.select(ops.less(matrix(ops, x), matrix(ops, y)), matrix(ops, x), 1),
  (ops, x) => ops.neg(x),
  (ops, x) => ops.abs(x),
  (ops, x) => ops.mul(x, 1),
  (ops, x) => ops.add(x, 0),
  (ops, x) => ops.transpose(matrix(ops, x), [1, 0]),
  (ops, x, _, { a }) =>
    ops.transpose(
      ops.reshape(matrix(ops, x), [2, 1, 3]),
      pick(
        [
          [1, 0, 2],
          [0, 2, 1],
          [2, 1, 0],
        ],
        a,
      ),
    ),
  (ops, x, _, { a }) => ops.reshape(matrix(ops, x), pick([[6], [3, 2], [1, 6], [2, 3], [6, 1, 1]], a)),
  (ops, x, _, { a, b }) => ops.slice(matrix(ops, x), 1, a % 3, 1 + (b % (3 - (a % 3)))),
  (ops, x, y, { a, b }) =>
    ops.slice(ops.concat([matrix(ops, x), matrix(ops, y)], 0), 0, a % 4, 1 + (b % (4 - (a % 4)))),
  (ops, x, _, { a }) => ops.sum(matrix(ops, x), { axes: pick([[0], [1], [0, 1], []], a), keepDims: true }),
  (ops, x, _, { a }) => ops.max(matrix(ops, x), { axes: pick([[0], [1], [0, 1], []], a), keepDims: true }),
  (ops, x, y, { a, b }) =>
    ops.matmul(
      pick([matrix(ops, x), ops.broadcast(matrix(ops, x), [2, 2, 3])], a),
      ops.transpose(matrix(ops, y), [1, 0]),
      {
        scale: pick([1, 0.5], b),
      },
    ),
  (ops, x) => ops.pad(ops.pad(matrix(ops, x), 1, 0, 0), 0, 0, 0),
];

const stepArbitrary = fc.record({ what: fc.nat(1000), a: fc.nat(1000), b: fc.nat(1000), c: fc.nat(1000) });

it('simplified graphs compute the same', () => {
  const inputs: Tensors<HostTensor> = {
    matrix: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, -2, 3, 0, 0.5, -4) },
    row: { dtype: 'float32', shape: [3], data: Float32Array.of(2, 0, -1) },
    column: { dtype: 'float32', shape: [2, 1], data: Float32Array.of(-3, 1) },
  };
  const program =
    (steps: readonly Step[]) =>
    <T>(ops: Ops<T>, given: Tensors<T>): Tensors<T> => {
      const values = [...Object.values(given), ops.broadcast(ops.scalar(0), [2, 3]), ops.scalar(1)];
      const usable = (): T[] =>
        values.filter((x) => [1, 2, 3, 6].includes(ops.shapeOf(x).reduce((n, size) => n * size, 1)));
      for (const step of steps) {
        const known = usable();
        values.push(
          pick(actions, step.what)(ops, pick(known, known.length - 1 - (step.b % 3)), pick(known, step.c), step),
        );
      }
      return Object.fromEntries(values.map((value, i) => [`y${i}`, value]));
    };
  fc.assert(
    fc.property(fc.array(stepArbitrary, { minLength: 1, maxLength: 12 }), (steps) => {
      const { outputs } = trace(program(steps), inputs);
      const expected = program(steps)(referenceOps, inputs);
      expect(findMismatch(evaluate(outputs, inputs), expected, { relative: 1e-6, absolute: 1e-6 })).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

it('transpositions after one another are put together in the right order', () => {
  const permutation = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
  const x: HostTensor = { dtype: 'int32', shape: [2, 3, 1, 4], data: Int32Array.from({ length: 24 }, (_, i) => i) };
  fc.assert(
    fc.property(permutation, permutation, (first, second) => {
      const program = <T>(ops: Ops<T>, tensors: Tensors<T>): Tensors<T> => ({
        y: ops.transpose(ops.transpose(named(tensors, 'x'), first), second),
      });
      const { outputs } = trace(program, { x });
      expect(evaluate(outputs, { x })).toEqual(program(referenceOps, { x }));
    }),
  );
});
