import { describe, expect, it } from 'vitest';
import { bool, float32, type HostTensor, int32, referenceOps as ops } from './index.js';

const x = float32([2, 3], [1, 2, 3, 4, 5, 6]);
const list = (tensor: HostTensor) => Array.from(tensor.data);

describe('range', () => {
  it('counts from 0', () => {
    expect(ops.range(4)).toEqual(int32([4], [0, 1, 2, 3]));
    expect(ops.range(0)).toEqual(int32([0]));
  });
});

describe('numbers as arguments', () => {
  it('take the type of the tensor that they meet, on either side', () => {
    expect(ops.add(int32([2], [1, 2]), 3)).toEqual(int32([2], [4, 5]));
    expect(ops.sub(3, int32([2], [1, 2]))).toEqual(int32([2], [2, 1]));
    expect(ops.mul(float32([2], [1, 2]), 0.5)).toEqual(float32([2], [0.5, 1]));
    expect(ops.maximum(2, x).dtype).toBe('float32');
    expect(ops.add(1, 2)).toEqual(float32([], [3]));
  });

  it('are alternatives of select', () => {
    const condition = bool([2], [1, 0]);
    expect(ops.select(condition, int32([2], [5, 6]), 0)).toEqual(int32([2], [5, 0]));
    expect(ops.select(condition, 1, float32([2], [5, 6]))).toEqual(float32([2], [1, 6]));
    expect(ops.select(condition, 1, 0)).toEqual(float32([2], [1, 0]));
  });

  it('become scalars of a given type', () => {
    expect(ops.scalar(2.5)).toEqual(float32([], [2.5]));
    expect(ops.scalar(2, 'int32')).toEqual(int32([], [2]));
  });
});

describe('reshape', () => {
  it('computes one size', () => {
    expect(ops.shapeOf(ops.reshape(x, [-1]))).toEqual([6]);
    expect(ops.shapeOf(ops.reshape(x, [3, -1, 1]))).toEqual([3, 2, 1]);
    expect(ops.shapeOf(ops.reshape(ops.scalar(1), [-1]))).toEqual([1]);
    expect(ops.shapeOf(ops.reshape(float32([0, 3]), [-1, 3]))).toEqual([0, 3]);
  });

  it('rejects sizes that cannot be computed', () => {
    expect(() => ops.reshape(x, [-1, 4])).toThrow('reshape: expected as many elements as in');
    expect(() => ops.reshape(x, [-1, -1])).toThrow('reshape: expected as many elements as in');
    expect(() => ops.reshape(float32([0, 3]), [-1, 0])).toThrow('as many elements as in [-1, 0]');
  });
});

describe('axes', () => {
  it('may be negative', () => {
    expect(list(ops.sum(x, { axes: -1 }))).toEqual([6, 15]);
    expect(list(ops.slice(x, -1, 1, 1))).toEqual([2, 5]);
    expect(list(ops.transpose(x, [-1, 0]))).toEqual([1, 4, 2, 5, 3, 6]);
    expect(ops.shapeOf(ops.concat([x, x], -2))).toEqual([4, 3]);
    expect(list(ops.pad(x, -2, 0, 1))).toEqual([1, 2, 3, 4, 5, 6, 0, 0, 0]);
  });

  it('out of range are rejected', () => {
    expect(() => ops.sum(x, { axes: -3 })).toThrow('sum: expected an axis from 0 to 1');
    expect(() => ops.slice(x, 2, 0, 1)).toThrow('slice: expected an axis from 0 to 1 (got 2)');
    expect(() => ops.sum(x, { axes: [1, -1] })).toThrow('sum: expected axes that differ');
  });
});

describe('reductions', () => {
  it('are over all axes by default, and drop the axes unless they are kept', () => {
    expect(ops.mean(x)).toEqual(float32([], [3.5]));
    expect(ops.sum(x, { axes: [0] })).toEqual(float32([3], [5, 7, 9]));
    expect(ops.max(x, { axes: 1, keepDims: true })).toEqual(float32([2, 1], [3, 6]));
    expect(ops.sum(x, { axes: [], keepDims: false })).toEqual(x);
    expect(ops.shapeOf(ops.sum(x, { keepDims: true }))).toEqual([1, 1]);
  });
});

describe('defaults and shorthands', () => {
  it('cast to the same type is the tensor itself', () => {
    expect(ops.cast(x, 'float32')).toBe(x);
  });

  it('split gives consecutive parts', () => {
    expect(ops.split(x, 1, [1, 2]).map(list)).toEqual([
      [1, 4],
      [2, 3, 5, 6],
    ]);
    expect(ops.split(x, 0, [])).toEqual([]);
    expect(() => ops.split(x, 1, [2, 2])).toThrow(
      'slice: expected a range within axis 1 of size 3 (got start 2, size 2)',
    );
  });

  it('square, matmul, conv2d and rotary', () => {
    expect(list(ops.square(x))).toEqual([1, 4, 9, 16, 25, 36]);
    expect(list(ops.matmul(x, x, { transposeB: true }))).toEqual([14, 32, 32, 77]);
    const image = float32([1, 1, 2, 2], [1, 2, 3, 4]);
    expect(list(ops.conv2d(image, float32([1, 1, 1, 1], [3])))).toEqual([3, 6, 9, 12]);
    const table = float32([1, 1, 2, 2], [0, 1, 1, 0]); // quarter turn, no turn
    const heads = float32([1, 1, 4], [1, 2, 3, 4]);
    expect(list(ops.rotary(heads, table))).toEqual([-2, 1, 3, 4]);
    expect(list(ops.rotary(heads, table, { interleaved: false }))).toEqual([-3, 2, 1, 4]);
  });
});
