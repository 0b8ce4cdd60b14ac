import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyRotary,
  gridTable,
  type PairOptions,
  patchTable,
  type RotaryTable,
  rotate,
  sequenceTable,
} from './index.js';
import { largestDifference } from './testing/formulas.js';

const numbers = (length: number) =>
  fc
    .array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: length, maxLength: length })
    .map((values) => Float32Array.from(values));
const pairs = fc.constantFrom<NonNullable<PairOptions['pairs']>>('interleaved', 'half-split');

const dot = (a: Float32Array, b: Float32Array) => a.reduce((total, value, i) => total + value * (b[i] ?? 0), 0);

/** The row of a table as a table of one position. */
function rowOf({ shape, data }: RotaryTable, position: number): RotaryTable {
  const size = 2 * (shape[2] ?? 0);
  const row = data.slice(position * size, (position + 1) * size);
  return { dtype: 'float32', shape: [1, 1, size / 2, 2], data: row };
}

describe('applyRotary', () => {
  it('multiplies pairs as complex numbers', () => {
    const [c, s] = [Math.cos(1), Math.sin(1)];
    const [c2, s2] = [Math.cos(0.01), Math.sin(0.01)]; // base^(-1/2) = 0.01
    const table = sequenceTable({ headDim: 4, length: 2, clsTokens: 0 });
    const x = Float32Array.of(1, 2, 3, 4, 1, 2, 3, 4);
    const interleaved = [1, 2, 3, 4, c - 2 * s, s + 2 * c, 3 * c2 - 4 * s2, 3 * s2 + 4 * c2];
    expect(largestDifference(applyRotary(x, table), interleaved)).toBeLessThan(1e-6);
    const halfSplit = [1, 2, 3, 4, c - 3 * s, 2 * c2 - 4 * s2, s + 3 * c, 2 * s2 + 4 * c2];
    expect(largestDifference(applyRotary(x, table, { pairs: 'half-split' }), halfSplit)).toBeLessThan(1e-6);
  });

  it('keeps norms, and is undone by the inverse', () => {
    const table = gridTable({ headDim: 8, gridHeight: 2, gridWidth: 2, clsTokens: 1, clsRotation: 'identity' });
    fc.assert(
      fc.property(numbers(2 * 5 * 3 * 8), pairs, (x, kind) => {
        const options = { heads: 3, pairs: kind, batch: 2 };
        const rotated = applyRotary(x, table, options);
        for (let start = 0; start < x.length; start += 8) {
          const [before, after] = [x.subarray(start, start + 8), rotated.subarray(start, start + 8)];
          expect(Math.abs(Math.sqrt(dot(after, after)) - Math.sqrt(dot(before, before)))).toBeLessThan(2e-6);
        }
        const back = applyRotary(rotated, table, { ...options, inverse: true });
        expect(largestDifference(back, x)).toBeLessThan(2e-6);
      }),
    );
  });

  it('makes dot products depend on relative positions only', () => {
    const position = fc.integer({ min: 0, max: 15 });
    const table = gridTable({ headDim: 16, gridHeight: 32, gridWidth: 32, clsTokens: 0 });
    const at = (x: Float32Array, row: number, column: number, kind: PairOptions) =>
      applyRotary(x, rowOf(table, 32 * row + column), kind);
    fc.assert(
      fc.property(
        numbers(16),
        numbers(16),
        fc.tuple(position, position, position, position, position, position),
        pairs,
        (q, k, [qRow, qColumn, kRow, kColumn, down, right], kind) => {
          const score = (y: number, x: number) =>
            dot(at(q, qRow + y, qColumn + x, { pairs: kind }), at(k, kRow + y, kColumn + x, { pairs: kind }));
          expect(Math.abs(score(down, right) - score(0, 0))).toBeLessThan(1e-4);
        },
      ),
    );
  });

  it('sees a shift of whole patches in Dynamic RoPE as no change, and of one end as a change', () => {
    const q = Float32Array.from({ length: 32 }, (_, i) => Math.sin(i + 1));
    const k = Float32Array.from({ length: 32 }, (_, i) => Math.cos(3 * i));
    const score = (shift: number, longer = 0) => {
      const starts = [2 + shift, 16 + 5 + shift];
      const ends = [3 + shift, 16 + 8 + shift + longer];
      const options = { embedding: 'dynamic_4d', headDim: 32, gridWidth: 16, clsTokens: 0 } as const;
      const table = patchTable({ starts, ends }, options);
      return dot(applyRotary(q, rowOf(table, 0)), applyRotary(k, rowOf(table, 1)));
    };
    expect(Math.abs(score(3) - score(0))).toBeLessThan(1e-5);
    expect(Math.abs(score(0, 1) - score(0))).toBeGreaterThan(1e-3);
  });

  it('makes zero class positions vanish', () => {
    const table = sequenceTable({ headDim: 4, length: 1, clsTokens: 1 });
    expect([...applyRotary(Float32Array.of(1, 2, 3, 4, 1, 2, 3, 4), table)]).toEqual([0, 0, 0, 0, 1, 2, 3, 4]);
  });

  it('uses one table for all sequences, or the table of each image for its sequences', () => {
    const lengths = { shape: [2, 3], data: [1, 2, 3, 3, 1, 1] };
    const options = { embedding: 'dynamic_4d', headDim: 16, gridWidth: 8, clsTokens: 0 } as const;
    const batch = patchTable(lengths, options); // [2, 3, 8, 2]
    const x = Float32Array.from({ length: 2 * 2 * 3 * 16 }, (_, i) => Math.sin(i)); // [2 images, 2, 3, 1, 16]
    const rotated = applyRotary(x, batch, { batch: 4 });
    const ofImage = (b: number) => patchTable(lengths.data.slice(3 * b, 3 * b + 3), options);
    const half = x.length / 2;
    expect(rotated.slice(0, half)).toEqual(applyRotary(x.slice(0, half), ofImage(0), { batch: 2 }));
    expect(rotated.slice(half)).toEqual(applyRotary(x.slice(half), ofImage(1), { batch: 2 }));
    const part = half / 2;
    const ofFirst = applyRotary(x.slice(0, half), ofImage(0), { batch: 2 });
    expect(ofFirst.slice(part)).toEqual(applyRotary(x.slice(part, half), ofImage(0)));
  });

  it('refuses sequences that are shorter or longer than the table, though the numbers divide', () => {
    const x = Float32Array.from({ length: 5 * 4 * 8 }, (_, i) => Math.sin(i)); // 5 sequences of 4 positions
    const table = sequenceTable({ headDim: 8, length: 4 });
    expect(table.shape).toEqual([1, 4, 4, 2]);
    const rotated = applyRotary(x, table, { batch: 5 });
    for (let b = 0; b < 5; b++) {
      const [start, end] = [b * 32, (b + 1) * 32];
      expect(rotated.slice(start, end)).toEqual(applyRotary(x.slice(start, end), table));
    }
    const five = sequenceTable({ headDim: 8, length: 4, clsTokens: 1 });
    expect(() => applyRotary(x, five)).toThrow(
      '[1, 5, 1, 8] of 40 numbers, got 160. Make the table for the positions of x',
    );
    expect(() => applyRotary(x, five, { batch: 5 })).toThrow('[5, 5, 1, 8] of 200 numbers, got 160');
    expect(() => applyRotary(x, table)).toThrow("set 'batch' to the number of sequences");
    const two = patchTable(
      { shape: [2, 4], data: [1, 1, 1, 1, 1, 1, 1, 1] },
      { embedding: '1d', headDim: 8, clsTokens: 0 },
    );
    expect(() => applyRotary(x, two, { batch: 5 })).toThrow("'batch' to be a multiple of the table's 2, got 5");
  });

  it('takes numbers of any arrays', () => {
    const table = sequenceTable({ headDim: 4, length: 2 });
    const x = [1, 2, 3, 4, 5, 6, 7, 8];
    const expected = applyRotary(Float32Array.from(x), table);
    expect(applyRotary(x, { shape: table.shape, data: [...table.data] })).toEqual(expected);
    expect(applyRotary(Float64Array.from(x), table)).toEqual(expected);
  });

  it('works in place', () => {
    const table = sequenceTable({ headDim: 8, length: 3, clsTokens: 0 });
    for (const kind of ['interleaved', 'half-split'] as const) {
      const x = Float32Array.from({ length: 48 }, (_, i) => Math.cos(i));
      const expected = applyRotary(x, table, { heads: 2, pairs: kind });
      expect(applyRotary(x, table, { heads: 2, pairs: kind, out: x })).toBe(x);
      expect(x).toEqual(expected);
    }
  });

  it('refuses pairs that there are not', () => {
    const table = sequenceTable({ headDim: 4, length: 2, clsTokens: 0 });
    const options = { pairs: 'split' as 'half-split' };
    const expected = "expected 'pairs' to be 'interleaved' or 'half-split', got 'split'";
    expect(() => applyRotary(new Float32Array(8), table, options)).toThrow(`applyRotary: ${expected}`);
    expect(() => rotate({ rotary: (x: string) => x }, 'x', 'table', options)).toThrow(`rotate: ${expected}`);
  });

  it('refuses sizes that do not go together', () => {
    const table = sequenceTable({ headDim: 4, length: 2, clsTokens: 0 });
    expect(() => applyRotary(new Float32Array(12), table)).toThrow(
      'applyRotary: expected x [batch, positions, heads, headDim] = [1, 2, 1, 4] of 8 numbers, got 12.',
    );
    expect(() => applyRotary(new Float32Array(8), table, { heads: 2 })).toThrow('of 16 numbers, got 8');
    expect(() => applyRotary(new Float32Array(8), table, { heads: 0 })).toThrow("'heads'");
    expect(() => applyRotary(new Float32Array(8), table, { out: new Float32Array(4) })).toThrow("'out' of 8 numbers");
    expect(() => applyRotary(new Float32Array(8), { shape: [2, 4], data: table.data })).toThrow('a table [...');
    const none = sequenceTable({ headDim: 4, length: 0, clsTokens: 0 });
    expect(applyRotary(new Float32Array(0), none)).toHaveLength(0);
    expect(() => applyRotary(new Float32Array(4), none)).toThrow('of 0 numbers, got 4');
  });
});
