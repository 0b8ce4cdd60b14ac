import { float32, int32, named, type Ops, type TensorFunction, type TensorType } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import type { GraphNode } from './node.js';
import { reachable } from './node.js';
import { trace } from './trace.js';

const x: TensorType = { dtype: 'float32', shape: [2, 3] };
const square: TensorType = { dtype: 'float32', shape: [3, 3] };

/** Primitives of a traced function in order, without inputs and constants. */
function primitives(fn: TensorFunction, types = { x, square }): string[] {
  return reachable(Object.values(trace(fn, types).outputs)).flatMap((node) =>
    node.kind === 'operation' ? [node.primitive] : [],
  );
}

/** The same for a function of x [2, 3] and of a square matrix [3, 3]. */
function becomes(fn: <T>(ops: Ops<T>, x: T, square: T) => T): string[] {
  return primitives((ops, inputs) => ({ y: fn(ops, named(inputs, 'x'), named(inputs, 'square')) }));
}

function constantsOf(fn: TensorFunction): GraphNode[] {
  return reachable(Object.values(trace(fn, { x }).outputs)).filter((node) => node.kind === 'constant');
}

describe('common subexpressions', () => {
  it('become one node', () => {
    expect(becomes((ops, a) => ops.add(ops.exp(a), ops.mul(ops.exp(a), ops.exp(a))))).toEqual(['exp', 'mul', 'add']);
  });

  it('are told apart by attributes and by the order of inputs', () => {
    const sums = becomes((ops, a) =>
      ops.mul(ops.sum(a, { axes: 0, keepDims: true }), ops.sum(a, { axes: 1, keepDims: true })),
    );
    expect(sums).toEqual(['sum', 'sum', 'mul']);
    expect(becomes((ops, _, b) => ops.mul(ops.sub(b, ops.neg(b)), ops.sub(ops.exp(b), b)))).toHaveLength(4);
  });

  it('what no output needs is not reached', () => {
    expect(
      becomes((ops, a) => {
        ops.exp(a);
        return ops.neg(a);
      }),
    ).toEqual(['neg']);
  });
});

describe('constants', () => {
  it('with the same content are one', () => {
    const fn: TensorFunction = (ops, inputs) => {
      const row = () => ops.constant(float32([3], [1, 2, 3]));
      return { y: ops.mul(ops.add(named(inputs, 'x'), row()), row()) };
    };
    expect(constantsOf(fn)).toHaveLength(1);
  });

  it('of other shapes, types or bits are others', () => {
    const fn: TensorFunction = (ops) => ({
      a: ops.constant(float32([2], [0, 0])),
      b: ops.constant(float32([1, 2], [0, 0])),
      c: ops.constant(int32([2], [0, 0])),
      d: ops.constant(float32([2], [0, -0])),
    });
    expect(constantsOf(fn)).toHaveLength(4);
  });

  it('that are large are one if they share their memory', () => {
    const data = new Float32Array(3 << 20);
    const fn: TensorFunction = (ops) => ({
      a: ops.constant(float32([3 << 20], data)),
      b: ops.constant(float32([3 << 20], data)),
      c: ops.constant(float32([3 << 20], data.slice())),
      d: ops.constant(float32([2 << 20], data.subarray(0, 2 << 20))),
      e: ops.constant(float32([2 << 20], data.subarray(1 << 20))),
    });
    expect(constantsOf(fn)).toHaveLength(4);
  });
});

describe('what has no effect', () => {
  it.each<[string, <T>(ops: Ops<T>, x: T, square: T) => T]>([
    ['reshape to the same shape', (ops, a) => ops.reshape(ops.reshape(a, [6]), [2, 3])],
    ['transposition back', (ops, a) => ops.transpose(ops.transpose(a, [1, 0]), [1, 0])],
    ['broadcast to the same shape', (ops, a) => ops.broadcast(a, [2, 3])],
    ['product with 1', (ops, a) => ops.mul(1, ops.mul(a, 1))],
    ['product with ones', (ops, a) => ops.mul(a, ops.broadcast(ops.scalar(1), [2, 3]))],
    ['quotient by 1', (ops, a) => ops.div(a, 1)],
    ['sum with 0', (ops, a) => ops.add(0, ops.sub(ops.add(a, 0), 0))],
    ['double negation', (ops, a) => ops.neg(ops.neg(a))],
    ['cast to the same type', (ops, a) => ops.apply('cast', [a], { dtype: 'float32' })],
    ['slice of everything', (ops, a) => ops.slice(a, 1, 0, 3)],
    ['part of a concatenation', (ops, a, b) => ops.slice(ops.concat([b, a], 0), 0, 3, 2)],
    ['concatenation of one', (ops, a) => ops.concat([a], 1)],
    ['padding by nothing', (ops, a) => ops.pad(a, 0, 0, 0)],
    ['sum over no axes', (ops, a) => ops.sum(a, { axes: [] })],
  ])('%s', (_, fn) => {
    expect(becomes(fn)).toEqual([]);
  });
});

describe('what becomes less', () => {
  it.each<[string, readonly string[], <T>(ops: Ops<T>, x: T, square: T) => T]>([
    ['transposition of axes of size 1', ['reshape'], (ops, a) => ops.transpose(ops.reshape(a, [2, 1, 3]), [1, 0, 2])],
    [
      'two transpositions',
      ['reshape', 'transpose'],
      (ops, a) => ops.transpose(ops.transpose(ops.reshape(a, [1, 2, 3]), [2, 1, 0]), [0, 2, 1]),
    ],
    ['two slices', ['slice'], (ops, _, b) => ops.slice(ops.slice(b, 0, 1, 2), 0, 1, 1)],
    ['slice of a constant number', ['broadcast'], (ops) => ops.slice(ops.broadcast(ops.scalar(2), [4, 4]), 0, 1, 2)],
    [
      'broadcast operand',
      ['mul'],
      (ops, a) => ops.mul(a, ops.broadcast(ops.constant(float32([3], [1, 2, 3])), [2, 3])),
    ],
    [
      'operation on a broadcast',
      ['exp', 'broadcast'],
      (ops) => ops.exp(ops.broadcast(ops.constant(float32([3], [1, 2, 3])), [2, 3])),
    ],
    ['sum with a negative', ['sub'], (ops, a) => ops.add(ops.neg(a), ops.broadcast(ops.scalar(3), [2, 3]))],
    ['difference with a negative', ['add'], (ops, a) => ops.sub(a, ops.neg(a))],
    ['transposed factors', ['matmul'], (ops, a, b) => ops.matmul(ops.transpose(b, [1, 0]), ops.transpose(a, [1, 0]))],
    [
      'broadcast batch',
      ['reshape', 'matmul'],
      (ops, a, b) => ops.matmul(ops.reshape(a, [2, 1, 3]), ops.broadcast(b, [2, 3, 3])),
    ],
    [
      'sum of a scatter',
      ['reshape'],
      (ops, a) =>
        ops.sum(ops.scatterLast(a, ops.constant(int32([2, 3], [0, 1, 2, 3, 4, 5])), 7), { axes: -1, keepDims: true }),
    ],
  ])('%s', (_, expected, fn) => {
    expect(becomes(fn)).toEqual(expected);
  });

  it('a product keeps one factor with the batch', () => {
    expect(becomes((ops, a, b) => ops.matmul(ops.broadcast(a, [4, 2, 3]), ops.broadcast(b, [4, 3, 3])))).toEqual([
      'broadcast',
      'matmul',
    ]);
  });
});
