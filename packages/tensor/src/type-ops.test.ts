import { expect, it } from 'vitest';
import { DparError, float32, typeOps as ops, type TensorType } from './index.js';

const type = (...shape: number[]): TensorType => ({ dtype: 'float32', shape });

it('gives the types of results', () => {
  const y = ops.softmax(ops.matmul(type(2, 3, 4), type(5, 4), { transposeB: true }));
  expect(y).toEqual(type(2, 3, 5));
  expect(ops.argMax(ops.add(y, ops.constant(float32([5]))))).toEqual({ dtype: 'int32', shape: [2, 3] });
  expect(ops.recompute((inner, { x }) => ({ x: inner.sum(x as never) }), { x: y })).toEqual({ x: type() });
});

it('rejects shapes that do not fit', () => {
  expect(() => ops.add(type(2), type(3))).toThrow(DparError);
});
