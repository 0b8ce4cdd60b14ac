import { patchLengths } from '@dpar/patchify';
import { float32 } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrateThreshold } from './calibrate.js';

const predicted = 15; // of a 4 x 4 grid

/** Tokens per patch, image by image. */
function meanLength(rows: number[][], threshold: number, maxPatchLength: number): number {
  const patching = { threshold, maxPatchLength, rowLength: 4 };
  const patches = rows.reduce((sum, row) => sum + patchLengths(row, patching).length, 0);
  return (rows.length * (predicted + 1)) / patches;
}

// Values that repeat, so that several entropies sit on one threshold.
const entropy = fc.oneof(fc.constantFrom(0, 0.5, 1, 1.5), fc.double({ min: 0, max: 10, noNaN: true })).map(Math.fround);
const image = fc.array(entropy, { minLength: predicted, maxLength: predicted });
const images = fc.array(image, { minLength: 1, maxLength: 6 });

describe('calibrateThreshold', () => {
  it('comes as near to the target as any threshold does', () => {
    fc.assert(
      fc.property(
        images,
        fc.integer({ min: 1, max: 6 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rows, P, part) => {
          const [lowest, highest] = [meanLength(rows, -1, P), meanLength(rows, 100, P)];
          const target = lowest + part * (highest - lowest);
          const { threshold, meanPatchLength, meanPatches } = calibrateThreshold(
            float32([rows.length, predicted], rows.flat()),
            { targetMeanPatchLength: target, maxPatchLength: P, rowLength: 4 },
          );
          expect(meanPatchLength).toBe(meanLength(rows, threshold, P));
          expect(meanPatchLength * meanPatches).toBeCloseTo(16, 9);
          const candidates = [-1, ...rows.flat()].map((candidate) => meanLength(rows, candidate, P));
          const best = Math.min(...candidates.map((mean) => Math.abs(mean - target)));
          expect(Math.abs(meanPatchLength - target)).toBeCloseTo(best, 12);
        },
      ),
    );
  });

  it('keeps its distance from the entropies on both sides', () => {
    const row = Array.from({ length: predicted }, (_, i) => 1 + i / 4);
    const { threshold } = calibrateThreshold(float32([1, predicted], row), {
      targetMeanPatchLength: 16 / 11,
      maxPatchLength: 4,
      rowLength: 4,
    });
    expect(Math.min(...row.map((value) => Math.abs(value - threshold)))).toBeCloseTo(0.125, 6);
  });

  it('names the range that can be reached', () => {
    const entropies = float32([2, predicted], new Float32Array(2 * predicted).fill(1));
    const options = { maxPatchLength: 4, rowLength: 4 };
    // The first row gives patches of 1 and 3 tokens, each other row one patch of 4.
    expect(() => calibrateThreshold(entropies, { ...options, targetMeanPatchLength: 4 })).toThrow(
      'from 1.000 to 3.200, got 4. Change the target or raise maxPatchLength.',
    );
    expect(() => calibrateThreshold(entropies, { ...options, targetMeanPatchLength: 0.9 })).toThrow('got 0.9. Change');
    expect(calibrateThreshold(entropies, { ...options, targetMeanPatchLength: 3.2 }).meanPatchLength).toBe(3.2);
    expect(calibrateThreshold(entropies, { ...options, targetMeanPatchLength: 1 }).meanPatchLength).toBe(1);
  });

  it('refuses what is not entropies of images', () => {
    expect(() => calibrateThreshold(float32([15]), { targetMeanPatchLength: 2 })).toThrow('float32[N, T - 1]');
    const broken = float32([1, 3], [1, Number.NaN, 1]);
    expect(() => calibrateThreshold(broken, { targetMeanPatchLength: 2 })).toThrow('NaN for token 2');
  });
});
