import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { broadcastShapes, positiveAxis, sameShape, stridesOf } from './shape.js';
import { sizeOf } from './types.js';

const shapes = fc.array(fc.nat(3), { maxLength: 4 });

describe('broadcastShapes', () => {
  it.each([
    [[], [], []],
    [[2, 3], [3], [2, 3]],
    [
      [2, 1],
      [1, 3],
      [2, 3],
    ],
    [
      [4, 1, 3],
      [2, 1],
      [4, 2, 3],
    ],
    [[], [5, 0], [5, 0]],
    [[1], [0], [0]],
  ])('%j and %j give %j', (a, b, expected) => expect(broadcastShapes(a, b)).toEqual(expected));

  it.each([
    [[2], [3]],
    [
      [2, 3],
      [2, 1, 2],
    ],
    [[2], [0]],
  ])('%j and %j do not', (a, b) => expect(broadcastShapes(a, b)).toBeUndefined());

  it('is symmetric, and a result broadcasts with both shapes to itself', () => {
    fc.assert(
      fc.property(shapes, shapes, (a, b) => {
        const result = broadcastShapes(a, b);
        expect(broadcastShapes(b, a)).toEqual(result);
        if (result === undefined) return;
        expect(broadcastShapes(a, result)).toEqual(result);
        expect(broadcastShapes(b, result)).toEqual(result);
      }),
    );
  });
});

it('stridesOf gives every element a place of its own, in row-major order', () => {
  expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1]);
  expect(stridesOf([])).toEqual([]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }), (shape) => {
      const strides = stridesOf(shape);
      const places = shape.reduce<number[]>(
        (found, size, axis) =>
          found.flatMap((place) => Array.from({ length: size }, (_, i) => place + i * strides[axis]!)),
        [0],
      );
      expect(places).toEqual(Array.from({ length: sizeOf(shape) }, (_, i) => i));
    }),
  );
});

it('sameShape compares rank and sizes', () => {
  expect(sameShape([2, 3], [2, 3])).toBe(true);
  expect(sameShape([2, 3], [2])).toBe(false);
  expect(sameShape([2], [2, 1])).toBe(false);
  expect(sameShape([], [])).toBe(true);
});

it('positiveAxis counts negative axes from the end', () => {
  expect([-1, -3, 0, 2, 3, -4].map((axis) => positiveAxis(axis, 3))).toEqual([2, 0, 0, 2, 3, -1]);
});
