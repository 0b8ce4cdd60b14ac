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

  it('draws a variant for each visit, as a function of seed, epoch and image', () => {
    const sizes = fc.record({
      images: fc.integer({ min: 1, max: 40 }),
      batchSize: fc.integer({ min: 1, max: 9 }),
      windowBatches: fc.integer({ min: 1, max: 5 }),
      variants: fc.constantFrom(1, 2, 10, 20),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.nat({ max: 50 }), (options, grouped, start) => {
        const { images, variants, windowBatches } = options;
        const counts = Array.from({ length: images * variants }, (_, i) => (i * 13) % 17);
        const order = new BatchOrder({ ...options, patchCounts: grouped ? counts : undefined });
        // Whole windows that are whole epochs: each image is visited once in each epoch, in the variant of that epoch.
        const visits: string[] = [];
        for (let step = 0; step < images * windowBatches; step++) {
          const { images: rows, variants: drawn } = order.visitsAt(step);
          drawn.forEach((variant, i) => {
            expect(variant >= 0 && variant < variants).toBe(true);
            visits.push(`${rows[i]}/${variant}`);
          });
        }
        // Without grouping and with other batches the same epochs draw the same variants.
        const other = new BatchOrder({ images, variants, seed: options.seed, batchSize: 1, windowBatches: 1 });
        const expected = visits.map((_, step) => {
          const visit = other.visitsAt(step);
          return `${visit.images[0]}/${visit.variants[0]}`;
        });
        expect(visits.sort()).toEqual(expected.sort());
        // A run that starts anywhere sees what one from the beginning does.
        const resumed = new BatchOrder({ ...options, patchCounts: grouped ? counts : undefined });
        expect(resumed.visitsAt(start)).toEqual(order.visitsAt(start));
      }),
    );
  });

  it('draws each variant equally often', () => {
    const [images, variants, epochs] = [50, 4, 200];
    const order = new BatchOrder({ images, variants, batchSize: images, seed: 4 });
    const times = new Int32Array(variants);
    for (let epoch = 0; epoch < epochs; epoch++) for (const v of order.visitsAt(epoch).variants) times[v]!++;
    const draws = images * epochs;
    // Within 5 standard deviations of a binomial distribution.
    const deviation = Math.sqrt(draws * (1 / variants) * (1 - 1 / variants));
    for (const count of times) expect(Math.abs(count - draws / variants)).toBeLessThan(5 * deviation);
    expect(order.visitsAt(0).variants).not.toEqual(order.visitsAt(1).variants);
  });

  it('groups by the patches of the variant that is seen', () => {
    const [images, variants] = [64, 3];
    const patchCounts = Array.from({ length: images * variants }, (_, i) => (i * 29) % 101);
    const order = new BatchOrder({ images, variants, batchSize: 8, windowBatches: 8, seed: 1, patchCounts });
    const ranges = Array.from({ length: 8 }, (_, step) => {
      const { images: rows, variants: drawn } = order.visitsAt(step);
      const counts = Array.from(rows, (image, i) => patchCounts[image * variants + (drawn[i] ?? 0)] ?? 0);
      return [Math.min(...counts), Math.max(...counts)] as const;
    }).sort((a, b) => a[0] - b[0]);
    for (let k = 1; k < 8; k++) expect(ranges[k]?.[0]).toBeGreaterThanOrEqual(ranges[k - 1]?.[1] ?? Number.NaN);
  });

  it('tells the epoch of a step', () => {
    const order = new BatchOrder({ images: 10, batchSize: 4, seed: 0 });
    expect([0, 1, 2, 3, 4, 5].map((step) => order.epochOf(step))).toEqual([0, 0, 0, 1, 1, 2]);
  });

  it('refuses sizes that make no batches', () => {
    expect(() => new BatchOrder({ images: 0, batchSize: 4, seed: 0 })).toThrow('above 0, got {"images":0');
    expect(() => new BatchOrder({ images: 3, batchSize: 4, seed: 0, patchCounts: [1] })).toThrow('3 images, got 1');
    const counts = { images: 3, variants: 2, batchSize: 4, seed: 0, patchCounts: [1] };
    expect(() => new BatchOrder(counts)).toThrow('3 images in 2 variants, got 1');
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
  function waste(windowBatches: number): number {
    let padded = 0;
    let real = 0;
    for (const batch of steps({ ...options, windowBatches }, 0, 125)) {
      const counts = batch.map((image) => patchCounts[image] ?? 0);
      padded += batchSize * Math.max(...counts);
      for (const count of counts) real += count;
    }
    return padded / real - 1;
  }

  it('wastes little on padding', () => {
    expect(waste(32)).toBeLessThan(0.02);
    expect(waste(1)).toBeGreaterThan(0.3);
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
