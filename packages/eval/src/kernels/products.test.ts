import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gaussian } from '../testing/gaussian.js';
import { blockProducts, floatProductError } from './products.js';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

const rowOf = (data: Float64Array, columns: number, row: number) => data.subarray(row * columns, (row + 1) * columns);

/** Sizes around those by which the kernels work: 4 rows, 2 or 4 numbers, chunks of 256 or 512, blocks of 2048. */
const sizes = fc.record({
  n: fc.integer({ min: 1, max: 9 }),
  m: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(63, 64, 66)),
  columns: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(255, 257, 511, 515, 2047, 2048, 2051, 4100)),
  seed: fc.nat(1000),
});

describe('blockProducts', () => {
  it('are those of float64, and in float32 within the bound', () => {
    fc.assert(
      fc.property(sizes, ({ n, m, columns, seed }) => {
        const [a, b] = [gaussian(n, columns, seed).data, gaussian(m, columns, seed + 1).data];
        const double = blockProducts({ data: a, rows: n }, { data: b, rows: m }, columns);
        const [a32, b32] = [Float32Array.from(a), Float32Array.from(b)];
        const single = blockProducts({ data: a32, rows: n }, { data: b32, rows: m }, columns);
        expect([double.length, single.length]).toEqual([n * m, n * m]);
        const bound = floatProductError(columns);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < m; j++) {
            const [x, y] = [rowOf(a, columns, i), rowOf(b, columns, j)];
            const expected = dot(x, y);
            const size = x.reduce((sum, value, k) => sum + Math.abs(value * (y[k] as number)), 0);
            expect(Math.abs((double[i * m + j] as number) - expected)).toBeLessThanOrEqual(columns * 2 ** -52 * size);
            expect(Math.abs((single[i * m + j] as number) - expected)).toBeLessThanOrEqual(bound * size);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('stay within the bound where all errors have one direction', () => {
    // 2^24 + 1 is halfway between two floats and rounded down each time.
    const columns = 2048;
    const a = new Float32Array(columns).fill(1);
    const b = Float32Array.from({ length: columns }, (_, i) => (i % 512 < 4 ? 2 ** 24 : 1));
    const [product = 0] = blockProducts({ data: a, rows: 1 }, { data: b, rows: 1 }, columns);
    const exact = 16 * 2 ** 24 + columns - 16;
    expect(product).toBeLessThan(exact);
    expect(exact - product).toBeLessThanOrEqual(floatProductError(columns) * exact);
  });

  it('leave out what lies above the diagonal, on request', () => {
    const a = gaussian(70, 5, 1);
    const [whole, lower] = [false, true].map((part) => blockProducts(a, a, 5, part)) as [Float64Array, Float64Array];
    for (let i = 0; i < 70; i++) for (let j = 0; j <= i; j++) expect(lower[i * 70 + j]).toBe(whole[i * 70 + j]);
  });
});
