import { isDparError } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gridTable, patchTable, type RotaryEmbedding, sequenceTable } from './index.js';
import {
  equationS1,
  equationS2,
  largestDifference,
  oneDimensional,
  rowsOf,
  withoutRedundancy,
} from './testing/formulas.js';

const float32 = 1e-6;

function expectRows(data: Float32Array, d: number, expected: readonly (readonly number[])[]): void {
  const rows = rowsOf(data, d);
  expect(rows).toHaveLength(expected.length);
  rows.forEach((row, p) => {
    expect(largestDifference(row, expected[p] ?? []), `position ${p}`).toBeLessThan(float32);
  });
}

describe('sequenceTable', () => {
  it('is the formula', () => {
    const { shape, data } = sequenceTable({ headDim: 6, length: 5, clsTokens: 0, base: 500 });
    expect(shape).toEqual([1, 5, 3, 2]);
    expectRows(
      data,
      6,
      Array.from({ length: 5 }, (_, m) => oneDimensional(m, 6, 500)),
    );
  });

  it('puts class positions first, without a position number of their own', () => {
    const zero = [0, 0, 0, 0];
    const identity = [1, 0, 1, 0];
    const tokens = [oneDimensional(0, 4), oneDimensional(1, 4)];
    expectRows(sequenceTable({ headDim: 4, length: 2, clsTokens: 1 }).data, 4, [zero, ...tokens]);
    const options = { headDim: 4, length: 2, clsTokens: 2, clsRotation: 'identity' } as const;
    expectRows(sequenceTable(options).data, 4, [identity, identity, ...tokens]);
  });
});

describe('gridTable', () => {
  it('is equation S1 in raster order, also where rows and columns differ in number', () => {
    const { shape, data } = gridTable({ headDim: 12, gridHeight: 2, gridWidth: 3, base: 100, clsTokens: 1 });
    expect(shape).toEqual([1, 7, 6, 2]);
    const tokens = [0, 1, 2, 3, 4, 5].map((t) => equationS1(Math.floor(t / 3), t % 3, 12, 100));
    expectRows(data, 12, [new Array<number>(12).fill(0), ...tokens]);
  });

  it('emits only the first positions on request', () => {
    const whole = gridTable({ headDim: 8, gridHeight: 3, gridWidth: 3, clsTokens: 1 });
    for (const positions of [0, 1, 4, 10]) {
      const cut = gridTable({ headDim: 8, gridHeight: 3, gridWidth: 3, positions, clsTokens: 1 });
      expect(cut.shape).toEqual([1, positions, 4, 2]);
      expect(cut.data).toEqual(whole.data.slice(0, positions * 8));
    }
  });

  it('fills an array of the caller, whatever it held', () => {
    const out = new Float32Array(32).fill(7);
    const table = gridTable({ headDim: 8, gridHeight: 2, gridWidth: 2, out });
    expect(table.data).toBe(out);
    expect(out).toEqual(gridTable({ headDim: 8, gridHeight: 2, gridWidth: 2 }).data);
  });
});

describe('patchTable', () => {
  const lengths = [1, 2, 3, 1, 1, 4]; // rows of 6: tokens 0 | 1 2 | 3 4 5 || 6 | 7 | 8 9 10 11
  const places = [
    [0, 0, 0],
    [0, 1, 2],
    [0, 3, 5],
    [1, 0, 0],
    [1, 1, 1],
    [1, 2, 5],
  ] as const; // row, first column, last column
  const common = { gridWidth: 6, clsTokens: 0 };

  it('is equation S2 (Dynamic RoPE)', () => {
    const { shape, data } = patchTable(lengths, { embedding: 'dynamic_4d', headDim: 32, ...common });
    expect(shape).toEqual([1, 6, 16, 2]);
    const rows = places.map(([x, ys, yf]) => equationS2(x, ys, yf, 32));
    expectRows(data, 32, rows);
  });

  it('is Dynamic RoPE without redundancy', () => {
    const { data } = patchTable(lengths, { embedding: 'dynamic_3d', headDim: 24, ...common });
    const rows = places.map(([x, ys, yf]) => withoutRedundancy(x, ys, yf, 24));
    expectRows(data, 24, rows);
  });

  it('is equation S1 at the first token', () => {
    const { data } = patchTable(lengths, { embedding: '2d', headDim: 12, ...common });
    const rows = places.map(([x, ys]) => equationS1(x, ys, 12));
    expectRows(data, 12, rows);
  });

  it('is one-dimensional, patch m at position m', () => {
    for (const embedding of ['1d', null] as const) {
      const { data } = patchTable(lengths, { embedding, headDim: 6, clsTokens: 0 });
      const rows = places.map((_, m) => oneDimensional(m, 6));
      expectRows(data, 6, rows);
    }
  });

  it('takes patches that cross into the next row as they lie', () => {
    const { data } = patchTable([4, 4], { embedding: 'dynamic_4d', headDim: 16, gridWidth: 6, clsTokens: 0 });
    expectRows(data, 16, [equationS2(0, 0, 3, 16), equationS2(0, 4, 1, 16)]);
  });

  const embedding = fc.constantFrom<RotaryEmbedding>('1d', '2d', 'dynamic_3d', 'dynamic_4d');
  const images = fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }), { minLength: 1, maxLength: 4 });

  it('gives each image of a padded batch the table that it has alone, and finite numbers to padding', () => {
    fc.assert(
      fc.property(images, embedding, fc.integer({ min: 1, max: 9 }), (batch, kind, gridWidth) => {
        const M = Math.max(...batch.map((image) => image.length)) + 1;
        const padded = batch.flatMap((image) => [...image, ...new Array<number>(M - image.length).fill(0)]);
        const options = { embedding: kind, headDim: 16, gridWidth };
        const { shape, data } = patchTable({ shape: [batch.length, M], data: padded }, options);
        expect(shape).toEqual([batch.length, 1 + M, 8, 2]);
        expect(data.every(Number.isFinite)).toBe(true);
        batch.forEach((image, b) => {
          const alone = patchTable(image, options).data;
          const start = b * (1 + M) * 16;
          expect(data.subarray(start, start + alone.length)).toEqual(alone);
        });
      }),
    );
  });

  it('takes spans for lengths, in batches too', () => {
    fc.assert(
      fc.property(images, embedding, (batch, kind) => {
        const M = Math.min(...batch.map((image) => image.length));
        const cut = batch.map((image) => image.slice(0, M));
        const ends = cut.flatMap((image) => image.map((_, m) => image.slice(0, m + 1).reduce((a, n) => a + n, -1)));
        const starts = ends.map((end, k) => end + 1 - (cut.flat()[k] ?? 0));
        const shape = [batch.length, M];
        const options = { embedding: kind, headDim: 16, gridWidth: 4, positions: M };
        expect(patchTable({ starts, ends, shape }, options)).toEqual(patchTable({ shape, data: cut.flat() }, options));
      }),
    );
    const span = { starts: [5], ends: [7] };
    const { data } = patchTable(span, { embedding: 'dynamic_4d', headDim: 16, gridWidth: 4, clsTokens: 0 });
    expectRows(data, 16, [equationS2(1, 1, 3, 16)]);
  });

  it('equals 1D and 2D tables of tokens if every patch is one token', () => {
    const ones = new Array<number>(12).fill(1);
    const grid = gridTable({ headDim: 16, gridHeight: 3, gridWidth: 4, clsTokens: 1 });
    expect(patchTable(ones, { embedding: '2d', headDim: 16, gridWidth: 4 })).toEqual(grid);
    expect(patchTable(ones, { embedding: '1d', headDim: 16 })).toEqual(
      sequenceTable({ headDim: 16, length: 12, clsTokens: 1 }),
    );
  });
});

describe('what tables refuse', () => {
  it.each([
    ['1d', 2],
    ['2d', 4],
    ['dynamic_3d', 8],
    ['dynamic_4d', 16],
  ] as const)('head sizes of %s that are no multiple of %i', (embedding, divisor) => {
    for (let headDim = 0; headDim <= 48; headDim++) {
      const build = () => patchTable([1, 1], { embedding, headDim, gridWidth: 2 });
      if (headDim > 0 && headDim % divisor === 0) expect(build().shape).toEqual([1, 3, headDim / 2, 2]);
      else expect(build).toThrow(`expected a headDim that is a multiple of ${divisor}, as '${embedding}' rotates`);
    }
  });

  it('other wrong options', () => {
    const grid = { headDim: 8, gridHeight: 2, gridWidth: 2 };
    expect(() => gridTable({ ...grid, positions: 6 })).toThrow('expected at most 4 positions, got 6');
    expect(() => gridTable({ ...grid, out: new Float32Array(4) })).toThrow("expected 'out' of 32 numbers, got 4");
    expect(() => gridTable({ ...grid, base: 0 })).toThrow("'base'");
    expect(() => gridTable({ ...grid, clsTokens: -1 })).toThrow("'clsTokens'");
    expect(() => gridTable({ ...grid, gridWidth: 0 })).toThrow("'gridWidth'");
    expect(() => sequenceTable({ headDim: 8, length: 1.5 })).toThrow("'length'");
    expect(() => patchTable([1], { embedding: '2d', headDim: 8 })).toThrow("'gridWidth'");
    expect(() => patchTable([1], { embedding: 'toString' as '2d', headDim: 8, gridWidth: 2 })).toThrow(
      "got 'toString'",
    );
    expect(() => patchTable([-1], { embedding: '1d', headDim: 8 })).toThrow("'patch length'");
    expect(() => patchTable({ shape: [2, 2], data: [1] }, { embedding: '1d', headDim: 8 })).toThrow('got 1 for [2, 2]');
    expect(() => patchTable({ starts: [3], ends: [1] }, { embedding: '1d', headDim: 8 })).toThrow('got 3 to 1 at 0');
    try {
      sequenceTable({ headDim: 7, length: 1 });
    } catch (error) {
      expect(isDparError(error)).toBe(true);
    }
  });
});
