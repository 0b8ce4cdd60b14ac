import { describe, expect, it } from 'vitest';
import { cosSin, patchTable } from './index.js';

describe('cosSin', () => {
  const lengths = { shape: [2, 3], data: [1, 2, 3, 2, 2, 2] };
  const table = patchTable(lengths, { embedding: 'dynamic_3d', headDim: 8, gridWidth: 6, clsTokens: 1 });

  it('separates cosines from sines', () => {
    const { shape, cos, sin } = cosSin(table);
    expect(shape).toEqual([2, 4, 4]);
    expect([cos.length, sin.length]).toEqual([32, 32]);
    // The second image's second patch: tokens 2 and 3 of row 0; pairs by row (2), first column, last column.
    const row = 4 * (4 + 2);
    expect([...cos.subarray(row, row + 4)]).toEqual([1, 1, Math.fround(Math.cos(2)), Math.fround(Math.cos(3))]);
    expect([...sin.subarray(row, row + 4)]).toEqual([0, 0, Math.fround(Math.sin(2)), Math.fround(Math.sin(3))]);
    // The class position.
    expect([...cos.subarray(16, 20), ...sin.subarray(16, 20)]).toEqual(new Array(8).fill(0));
  });

  it('refuses data that do not fit their shape', () => {
    expect(() => cosSin({ shape: [2, 3], data: new Float32Array(6) })).toThrow('cosSin: expected a table [...');
    expect(() => cosSin({ shape: [1, 3, 4, 2], data: table.data })).toThrow('got [1, 3, 4, 2]');
  });
});
