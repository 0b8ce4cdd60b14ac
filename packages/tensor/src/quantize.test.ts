import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerWeight, dequantizeMatrix, quantizeMatrix } from './quantize.js';
import { createRandom } from './random/random.js';
import { float32, int32 } from './types.js';

describe('quantizeMatrix', () => {
  it('packs codes of 4 bits, the first in the low half, with the largest value exact', () => {
    const row = [-8, 7, 0, 1, ...new Array<number>(28).fill(0)];
    const { codes, scales, blockSize } = quantizeMatrix(float32([1, 33], [...row, 0.5]), 'int4');
    expect(blockSize).toBe(32);
    expect([...scales]).toEqual([1, -0.0625]);
    expect([...codes.subarray(0, 3)]).toEqual([0xf0, 0x98, 0x88]);
    expect(codes.length).toBe(32);
    expect(codes[16]).toBe(0x80);
  });

  it.each(['int8', 'int4'] as const)(
    '%s: every weight is within its step, the largest of each block exact',
    (format) => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 300 }), fc.nat(), (N, K, seed) => {
          const matrix = float32([N, K]);
          createRandom(seed).fillNormal(matrix.data);
          const quantized = quantizeMatrix(matrix, format);
          const blocks = Math.ceil(K / quantized.blockSize);
          const back = dequantizeMatrix(quantized);
          for (let n = 0; n < N; n++) {
            for (let k = 0; k < K; k++) {
              const scale = Math.abs(quantized.scales[n * blocks + Math.floor(k / quantized.blockSize)] ?? 0);
              const error = Math.abs((back.data[n * K + k] ?? 0) - (matrix.data[n * K + k] ?? 0));
              // The code for the largest value with the other sign is missing: there it may be a whole step.
              expect(error).toBeLessThanOrEqual(1.0001 * scale);
            }
            const largest = Math.max(...matrix.data.subarray(n * K, (n + 1) * K).map(Math.abs));
            expect(Math.max(...back.data.subarray(n * K, (n + 1) * K).map(Math.abs))).toBeCloseTo(largest, 5);
          }
        }),
        { numRuns: 30 },
      );
    },
  );

  it('keeps zeros', () => {
    expect([...dequantizeMatrix(quantizeMatrix(float32([2, 5]), 'int4')).data]).toEqual(new Array(10).fill(0));
  });

  it('refuses what is no matrix of float32', () => {
    expect(() => quantizeMatrix(float32([4]), 'int8')).toThrow(/float32\[N, K\], got float32\[4\]/);
    expect(() => quantizeMatrix(int32([2, 2]), 'int8')).toThrow(/got int32/);
  });

  it('counts bytes with scales', () => {
    expect(bytesPerWeight('float32')).toBe(4);
    expect(bytesPerWeight('int8')).toBe(1.03125);
    expect(bytesPerWeight('int4')).toBe(0.625);
  });
});
