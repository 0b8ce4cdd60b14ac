import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gridTable, sequenceTable } from './grid.js';
import { type RotaryEmbedding, rotaryLayout } from './layout.js';
import { patchTable } from './patches.js';

describe('rotaryLayout', () => {
  it('gives the parts of Equation S2 and of its simpler forms', () => {
    const text = (embedding: RotaryEmbedding) =>
      rotaryLayout(embedding, 64).map(({ coordinate, pairs }) => `${coordinate} ${pairs}`);
    expect(text('1d')).toEqual(['index 32']);
    expect(text('2d')).toEqual(['row 16', 'column 16']);
    expect(text('dynamic_3d')).toEqual(['row 16', 'column 8', 'lastColumn 8']);
    expect(text('dynamic_4d')).toEqual(['row 16', 'column 4', 'lastColumn 4', 'lastColumn 4', 'column 4']);
  });

  it('describes the rows of tables: pair i of a part turns by coordinate * base^(-i / pairs)', () => {
    const places = fc.record({
      embedding: fc.constantFrom<RotaryEmbedding>('1d', '2d', 'dynamic_3d', 'dynamic_4d'),
      sixteenths: fc.integer({ min: 1, max: 3 }),
      row: fc.integer({ min: 0, max: 3 }),
      column: fc.integer({ min: 0, max: 3 }),
      more: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(places, ({ embedding, sixteenths, row, column, more }) => {
        const headDim = 16 * sixteenths;
        const lastColumn = Math.min(column + more, 3);
        const start = 4 * row + column;
        const { data } =
          embedding === '1d'
            ? sequenceTable({ headDim, length: start + 1 })
            : patchTable(
                { starts: [start], ends: [4 * row + lastColumn] },
                { embedding, headDim, gridWidth: 4, clsTokens: 0 },
              );
        const angles = data.subarray(data.length - headDim);
        const values = { index: start, row, column, lastColumn };
        let pair = 0;
        for (const { coordinate, pairs } of rotaryLayout(embedding, headDim)) {
          for (let i = 0; i < pairs; i++, pair++) {
            const angle = values[coordinate] * 10000 ** (-i / pairs);
            expect(angles[2 * pair]).toBeCloseTo(Math.cos(angle), 5);
            expect(angles[2 * pair + 1]).toBeCloseTo(Math.sin(angle), 5);
          }
        }
        expect(2 * pair).toBe(headDim);
      }),
    );
  });

  it('is that of grids for 2d', () => {
    const { data } = gridTable({ headDim: 8, gridHeight: 2, gridWidth: 3 });
    const last = data.subarray(data.length - 8);
    const values = { row: 1, column: 2 } as Readonly<Record<string, number>>;
    const expected = rotaryLayout('2d', 8).flatMap(({ coordinate, pairs }) =>
      Array.from({ length: pairs }, (_, i) => (values[coordinate] as number) * 10000 ** (-i / pairs)).flatMap(
        (angle) => [Math.cos(angle), Math.sin(angle)],
      ),
    );
    expected.forEach((value, i) => {
      expect(last[i]).toBeCloseTo(value, 6);
    });
  });

  it('refuses an unknown embedding, and sizes that do not divide into the parts', () => {
    expect(() => rotaryLayout('3d' as RotaryEmbedding, 64)).toThrow("rotaryLayout: expected 'embedding' to be '1d'");
    expect(() => rotaryLayout('dynamic_4d', 24)).toThrow(/a headDim that is a multiple of 16.* got 24\./);
    expect(() => rotaryLayout('1d', 3)).toThrow('got 3.');
  });
});
