import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkTensor, rangeOf, rowMajorStrides, toRows } from './layout.js';
import { PyTorchStorage, PyTorchTensor } from './values.js';

function tensor(shape: number[], strides: number[], offset: number, elements: number): PyTorchTensor {
  return new PyTorchTensor('I16', shape, strides, offset, new PyTorchStorage('0', 'I16', elements, 0));
}

/** Element numbers in the storage of a view, by the definition of strides. */
function elementsOf({ shape, strides, offset }: PyTorchTensor): number[] {
  return shape.reduce<number[]>(
    (all, size, axis) =>
      all.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * (strides[axis] as number))),
    [offset],
  );
}

describe('toRows', () => {
  it('gathers the elements of any view', () => {
    const axis = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 9 }));
    fc.assert(
      fc.property(fc.array(axis, { maxLength: 4 }), fc.integer({ min: 0, max: 5 }), (axes, offset) => {
        const shape = axes.map(([size]) => size);
        const strides = axes.map(([, stride]) => stride);
        const elements = elementsOf(tensor(shape, strides, offset, 0));
        const view = tensor(shape, strides, offset, Math.max(-1, ...elements) + 1);
        checkTensor('test', view);
        const { begin, end } = rangeOf(view);
        const storage = Uint8Array.from({ length: 2 * (end - begin) }, (_, i) => (i % 2 === 0 ? begin + i / 2 : 255));
        const rows = toRows(view, storage);
        expect([...rows]).toEqual(elements.flatMap((element) => [element, 255]));
      }),
    );
  });

  it('copies nothing that lies in rows already', () => {
    const bytes = new Uint8Array(12);
    expect(toRows(tensor([2, 1, 3], [3, 77, 1], 0, 6), bytes)).toBe(bytes);
    expect(rowMajorStrides([2, 1, 3])).toEqual([3, 3, 1]);
    expect(rowMajorStrides([2, 0, 3])).toEqual([3, 3, 1]);
  });
});

describe('checkTensor', () => {
  it.each([
    ['an element behind the storage', tensor([2, 3], [3, 1], 1, 6)],
    ['a negative stride', tensor([2], [-1], 1, 6)],
    ['a fractional size', tensor([1.5], [1], 0, 6)],
    ['a negative offset', tensor([1], [1], -1, 6)],
    ['text', new PyTorchTensor('I16', ['2'] as unknown as number[], [1], 0, new PyTorchStorage('0', 'I16', 6, 0))],
    ['fewer strides', tensor([2, 3], [1], 0, 6)],
    ['too many axes', tensor(Array(65).fill(1), Array(65).fill(1), 0, 6)],
    ['a size beyond numbers', tensor([2 ** 30, 2 ** 30], [0, 0], 0, 6)],
    ['a stride beyond numbers', tensor([2 ** 30], [2 ** 52], 0, 6)],
  ])('refuses %s', (_, view) => {
    expect(() => checkTensor('test', view)).toThrow('The file is damaged.');
  });
});
