import { float32, type HostTensor, int32 } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSafetensors, int8Weights, parseSafetensors, toHostTensors } from './index.js';

// Tensors that are not rounded are written in half precision; scales are not.
const throughFile = (tensors: Record<string, HostTensor>) =>
  toHostTensors(parseSafetensors(formatSafetensors(int8Weights(tensors), { dtype: 'BF16' })).tensors);

describe('int8Weights', () => {
  it('is off by at most half a scale, and exact at the largest number of a row', () => {
    const value = fc.double({ min: -100, max: 100, noNaN: true });
    const matrix = fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 7 }))
      .chain(([rows, columns]) =>
        fc
          .array(value, { minLength: rows * columns, maxLength: rows * columns })
          .map((data) => ({ rows, columns, data })),
      );
    fc.assert(
      fc.property(matrix, ({ rows, columns, data }) => {
        const w = float32([rows, columns], data);
        const after = throughFile({ w }).w as HostTensor;
        expect(after).toMatchObject({ dtype: 'float32', shape: [rows, columns] });
        for (let row = 0; row < rows; row++) {
          const before = Array.from(w.data.subarray(row * columns, (row + 1) * columns));
          const extreme = Math.max(...before.map(Math.abs));
          before.forEach((x, k) => {
            const error = Math.abs(x - (after.data[row * columns + k] as number));
            const allowed = Math.abs(x) === extreme ? 1e-6 * extreme : (extreme / 127) * 0.5001;
            expect(error).toBeLessThanOrEqual(allowed + 1e-40);
          });
        }
      }),
    );
  });

  it('takes a quarter of the bytes, and leaves vectors and whole numbers as they are', () => {
    const w = float32(
      [64, 256],
      Float32Array.from({ length: 64 * 256 }, (_, i) => Math.sin(i)),
    );
    const others = { b: float32([3], [1, 0.5, -2]), n: int32([2, 2], [1, 2, 3, 4]) };
    const stored = formatSafetensors(int8Weights({ w }));
    expect(stored.length).toBeLessThan(formatSafetensors({ w }).length / 3.8);
    const { w: after, ...rest } = throughFile({ w, ...others });
    expect(rest).toEqual({ ...others });
    expect(after?.shape).toEqual([64, 256]);
  });

  it('has a scale for each output channel of a kernel', () => {
    const data = Float32Array.from({ length: 3 * 2 * 3 * 3 }, (_, i) => Math.sin(i) * 10 ** Math.floor(i / 18));
    const kernel = throughFile({ kernel: float32([3, 2, 3, 3], data) }).kernel;
    const matrix = throughFile({ matrix: float32([3, 18], data) }).matrix;
    expect(kernel).toEqual({ ...matrix, shape: [3, 2, 3, 3] });
  });

  it('gives the same file when it is rounded again', () => {
    const w = float32(
      [4, 9],
      Float32Array.from({ length: 36 }, (_, i) => Math.cos(i * i)),
    );
    const once = throughFile({ w });
    expect(formatSafetensors(int8Weights(once))).toEqual(formatSafetensors(int8Weights({ w })));
  });

  it('names a matrix with a number that is not finite', () => {
    expect(() => int8Weights({ 'a.weight': float32([2, 1], [0, Number.NaN]) })).toThrow(
      "int8Weights: expected finite numbers in 'a.weight', got NaN in row 1.",
    );
  });

  it('leaves I8 matrices without scales of their rows as whole numbers', () => {
    const stored = { dtype: 'I8', shape: [2, 1], bytes: Uint8Array.of(1, 255) } as const;
    expect(toHostTensors(new Map([['w', stored]]))).toEqual({ w: int32([2, 1], [1, -1]) });
    const scales = { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) } as const;
    expect(
      Object.keys(
        toHostTensors(
          new Map<string, typeof stored | typeof scales>([
            ['w', stored],
            ['w.scale', scales],
          ]),
        ),
      ),
    ).toEqual(['w', 'w.scale']);
  });
});
