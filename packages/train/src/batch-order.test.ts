import { bucketSize } from '@dpar/patchify';
import { createRandom } from '@dpar/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchOrder, type BatchOrderOptions } from './batch-order.js';

function steps(options: BatchOrderOptions, from: number, count: number): number[][] {
  const order = new BatchOrder(options);
  return Array.from({ length: count }, (_, i) => [...order.at(from + i)]);
}

const sorted = (values: number[]) => [...values].sort((a, b) => a - b);

describe('BatchOrder', () => {
  it('sees every image once in each epoch, whatever the sizes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        (images, batchSize, windowBatches, grouped) => {
          const patchCounts = grouped ? Array.from({ length: images }, (_, i) => (i * 7) % 11) : undefined;
          // Windows that end where an epoch ends, after `images` windows: whole epochs have been seen by then.
          const count = images * windowBatches;
          const seen = steps({ images, batchSize, seed: 3, patchCounts, windowBatches }, 0, count).flat();
          const times = new Array<number>(images).fill(0);
          for (const image of seen) times[image] = (times[image] ?? 0) + 1;
          expect(times).toEqual(new Array(images).fill(batchSize * windowBatches));
        },
      ),
    );
    const ungrouped = steps({ images: 50, batchSize: 5, seed: 1 }, 0, 20).flat();
    const all = Array.from({ length: 50 }, (_, i) => i);
    expect(sorted(ungrouped.slice(0, 50))).toEqual(all);
    expect(sorted(ungrouped.slice(50))).toEqual(all);
    expect(ungrouped.slice(0, 50)).not.toEqual(ungrouped.slice(50));
  });

  it('depends on the seed and the step alone', () => {
    const options = { images: 37, batchSize: 4, seed: 5, patchCounts: Array.from({ length: 37 }, (_, i) => i % 6) };
    const whole = steps(options, 0, 60);
    expect(steps(options, 23, 37)).toEqual(whole.slice(23));
    const backwards = new BatchOrder(options);
    for (let step = 59; step >= 0; step--) expect([...backwards.at(step)]).toEqual(whole[step]);
    expect(steps({ ...options, seed: 6 }, 0, 60)).not.toEqual(whole);
  });

  it('tells the epoch of a step', () => {
    const order = new BatchOrder({ images: 10, batchSize: 4, seed: 0 });
    expect([0, 1, 2, 3, 4, 5].map((step) => order.epochOf(step))).toEqual([0, 0, 0, 1, 1, 2]);
  });

  it('refuses sizes that make no batches', () => {
    expect(() => new BatchOrder({ images: 0, batchSize: 4, seed: 0 })).toThrow('above 0, got {"images":0');
    expect(() => new BatchOrder({ images: 3, batchSize: 4, seed: 0, patchCounts: [1] })).toThrow('3 images, got 1');
  });
});

describe('grouping by patch count', () => {
  const images = 4000;
  const batchSize = 32;
  const random = createRandom(11, 0);
  const patchCounts = Array.from({ length: images }, () =>
    Math.max(70, Math.min(256, Math.round(142 + 25 * random.normal()))),
  );
  const options = { images, batchSize, seed: 2, patchCounts };

  /** Patches that are computed but belong to no image, as a share of those that do. */
  function waste(windowBatches: number, ratio: number): number {
    let padded = 0;
    let real = 0;
    for (const batch of steps({ ...options, windowBatches }, 0, 125)) {
      const counts = batch.map((image) => patchCounts[image] ?? 0);
      padded += batchSize * bucketSize(Math.max(...counts), { max: 256, ratio });
      for (const count of counts) real += count;
    }
    return padded / real - 1;
  }

  it('wastes little on padding', () => {
    expect(waste(32, 1.05)).toBeLessThan(0.05);
    expect(waste(1, 1.05)).toBeGreaterThan(0.3);
  });

  it('does not favour images of any patch count at any time', () => {
    // Over many seeds, the mean patch count of the first and of any step is that of all images, within 5 standard errors.
    const few = { images: 160, batchSize: 4, patchCounts: patchCounts.slice(0, 160), windowBatches: 8 };
    const mean = few.patchCounts.reduce((sum, count) => sum + count, 0) / few.images;
    const std = Math.sqrt(few.patchCounts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / few.images);
    const seeds = 400;
    for (const step of [0, 7, 8, 19]) {
      let sum = 0;
      for (let seed = 0; seed < seeds; seed++) {
        for (const image of new BatchOrder({ ...few, seed }).at(step)) sum += few.patchCounts[image] ?? 0;
      }
      // Images of a batch are alike, so a batch counts as one draw.
      expect(Math.abs(sum / (seeds * 4) - mean)).toBeLessThan((5 * std) / Math.sqrt(seeds));
    }
  });
});
