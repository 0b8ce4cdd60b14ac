import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { primitiveCases } from '../conformance/cases.js';
import { findMismatch } from '../conformance/check.js';
import {
  bool,
  type DType,
  float32,
  hostTensor,
  int32,
  referenceOps as ops,
  type Primitive,
  type PrimitiveAttributes,
  type Shape,
} from '../index.js';

interface Stored {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: readonly number[];
}

interface Application {
  readonly primitive: Primitive;
  readonly attributes: PrimitiveAttributes[Primitive];
  readonly inputs: readonly Stored[];
  readonly output: Stored;
}

/** Computed in float64 with NumPy 2.4 and SciPy 1.17, from the same inputs. */
const values: readonly Application[] = JSON.parse(readFileSync(new URL('numpy-values.json', import.meta.url), 'utf8'));

const load = ({ dtype, shape, data }: Stored) => hostTensor(dtype, shape, data);
const numbers = (x: { readonly data: ArrayLike<number> }) => Array.from(x.data);
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

describe('agrees with NumPy', () => {
  it.each(values)('$primitive $attributes', ({ primitive, attributes, inputs, output }) => {
    const y = ops.apply(primitive, inputs.map(load), attributes as never);
    expect(findMismatch({ y }, { y: load(output) }, { relative: 2e-7, absolute: 1e-7 })).toBeUndefined();
  });

  it('over every primitive', () => {
    const covered = new Set(values.map(({ primitive }) => primitive));
    expect([...covered].sort()).toEqual(Object.keys(primitiveCases).sort());
  });
});

describe('special values', () => {
  const points = float32([5], [0, 1, -1, infinity, nan]);

  it('follow IEEE 754', () => {
    expect(numbers(ops.log(points))).toEqual([-infinity, 0, nan, infinity, nan]);
    expect(numbers(ops.sqrt(points))).toEqual([0, 1, nan, infinity, nan]);
    expect(numbers(ops.reciprocal(points))).toEqual([infinity, 1, -1, 0, nan]);
    expect(numbers(ops.exp(float32([3], [-infinity, 89, -200])))).toEqual([0, infinity, 0]);
    expect(numbers(ops.maximum(points, 0))).toEqual([0, 1, 0, infinity, nan]);
    expect(numbers(ops.equal(points, points))).toEqual([1, 1, 1, 1, 0]);
    expect(numbers(ops.max(float32([2, 2], [nan, 1, -infinity, -infinity]), { axes: 1 }))).toEqual([nan, -infinity]);
  });

  it('saturate without NaN', () => {
    const far = float32([2], [-infinity, infinity]);
    expect(numbers(ops.sigmoid(far))).toEqual([0, 1]);
    expect(numbers(ops.tanh(far))).toEqual([-1, 1]);
    expect(numbers(ops.softmax(float32([2], [-1e30, 1000])))).toEqual([0, 1]);
    expect(numbers(ops.softmax(float32([3], [-infinity, 2, 2])))).toEqual([0, 0.5, 0.5]);
    expect(numbers(ops.logSoftmax(float32([2], [-1000, 0])))).toEqual([-1000, 0]);
  });

  it('are masked by select', () => {
    const condition = bool([2], [1, 0]);
    expect(numbers(ops.select(condition, float32([2], [1, nan]), float32([2], [nan, 2])))).toEqual([1, 2]);
  });
});

describe('element types', () => {
  it('whole numbers wrap around, and products keep their low bits', () => {
    const largest = 2 ** 31 - 1;
    expect(numbers(ops.add(int32([1], [largest]), 1))).toEqual([-(2 ** 31)]);
    expect(numbers(ops.mul(int32([1], [largest]), largest))).toEqual([1]);
    expect(numbers(ops.neg(int32([1], [-(2 ** 31)])))).toEqual([-(2 ** 31)]);
  });

  it('casts truncate towards zero; anything but 0 is true', () => {
    expect(numbers(ops.cast(float32([4], [1.9, -1.9, 0.5, -0.5]), 'int32'))).toEqual([1, -1, 0, 0]);
    expect(numbers(ops.cast(float32([4], [0, -0, 0.1, nan]), 'bool'))).toEqual([0, 0, 1, 1]);
    expect(numbers(ops.cast(int32([3], [0, 256, -1]), 'bool'))).toEqual([0, 1, 1]);
  });

  it('sums are accumulated in double precision', () => {
    const x = float32([4], [2 ** 25, 1, 1, -(2 ** 25)]);
    expect(numbers(ops.sum(x))).toEqual([2]);
    expect(numbers(ops.matmul(ops.reshape(x, [1, 4]), ops.broadcast(ops.scalar(1), [4, 1])))).toEqual([2]);
    expect(numbers(ops.scatterAddRows(x, int32([4]), 1))).toEqual([2]);
  });
});

describe('tensors without elements', () => {
  it('sum to 0, have no maximum, and multiply to zeros', () => {
    const nothing = float32([2, 0]);
    expect(numbers(ops.sum(nothing, { axes: 1 }))).toEqual([0, 0]);
    expect(numbers(ops.max(nothing, { axes: 1 }))).toEqual([-infinity, -infinity]);
    expect(numbers(ops.matmul(nothing, float32([0, 3])))).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('indices', () => {
  const rows = float32([3, 1], [1, 2, 3]);

  it('out of range throw a DparError with place and range', () => {
    expect(() => ops.takeRows(rows, int32([2], [0, 3]))).toThrow(
      'takeRows: expected indices from 0 to 2, got 3 at place 1',
    );
    expect(() => ops.takeRows(rows, int32([1], [-1]))).toThrow('from 0 to 2, got -1 at place 0');
    expect(() => ops.scatterAddRows(float32([1, 1]), int32([1], [4]), 4)).toThrow(
      'scatterAddRows: expected indices from 0 to 3',
    );
    expect(() => ops.takeRowsOnce(rows, int32([1], [-2]), int32([3]))).toThrow(
      'takeRowsOnce: expected indices from -1 to 2',
    );
    expect(() => ops.takeLast(rows, int32([3], [0, 1, 0]))).toThrow(
      'takeLast: expected indices from 0 to 0, got 1 at place 1',
    );
    expect(() => ops.scatterLast(float32([1]), int32([1], [-1]), 2)).toThrow(
      'scatterLast: expected indices from 0 to 1',
    );
  });
});

describe('constants', () => {
  it('are taken as they are, and no result shares their memory', () => {
    const x = float32([2], [1, 2]);
    expect(ops.constant(x)).toBe(x);
    ops.reshape(x, [2, 1]).data[0] = 9;
    ops.cast(x, 'int32');
    expect(numbers(x)).toEqual([1, 2]);
  });
});
