import { inferType, type Ops } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { applyRotary, type PairOptions, patchTable, type RotaryOps, type RotaryTable, rotate } from './index.js';

interface Plain {
  readonly dtype: 'float32';
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** An engine whose one primitive is computed here. */
const ops: RotaryOps<Plain> = {
  rotary: (x, table, { interleaved = true } = {}) => {
    const { shape } = inferType('rotary', [x, table], { interleaved });
    const headDim = 2 * (table.shape[2] ?? 1);
    const data = applyRotary(x.data, table, {
      heads: (shape[2] ?? 0) / headDim,
      pairs: interleaved ? 'interleaved' : 'half-split',
    });
    return { dtype: 'float32', shape, data };
  },
};

describe('rotate', () => {
  const table: RotaryTable = patchTable(
    { shape: [2, 2], data: [1, 3, 2, 2] },
    { embedding: 'dynamic_4d', headDim: 16, gridWidth: 4 },
  );
  const data = Float32Array.from({ length: 2 * 3 * 32 }, (_, i) => Math.sin(i));
  const x: Plain = { dtype: 'float32', shape: [2, 3, 32], data };

  it('is applyRotary on an engine, with tables that the engine takes as they are', () => {
    expect(rotate(ops, x, table).data).toEqual(applyRotary(data, table, { heads: 2 }));
    const options: PairOptions = { pairs: 'half-split' };
    expect(rotate(ops, x, table, options).data).toEqual(applyRotary(data, table, { heads: 2, ...options }));
    expect(rotate(ops, x, table, options).data).not.toEqual(rotate(ops, x, table).data);
  });

  it('refuses a table of other positions, where the engine knows shapes', () => {
    const shapes: RotaryOps<Plain> = { ...ops, shapeOf: ({ shape }) => shape };
    expect(rotate(shapes, x, table).data).toEqual(rotate(ops, x, table).data);
    const { data: rows } = patchTable([1, 1, 1], { embedding: '1d', headDim: 16 });
    const other: Plain = { dtype: 'float32', shape: [1, 4, 8, 2], data: rows };
    expect(() => rotate(shapes, x, other)).toThrow(
      'rotate: expected a table of the 3 positions of x [2, 3, 32], got [1, 4, 8, 2].',
    );
  });

  it('takes the tensor interface', () => {
    const takes = (tensorOps: Ops<Plain>): RotaryOps<Plain> => tensorOps;
    expect(takes).toBeTypeOf('function');
  });
});
