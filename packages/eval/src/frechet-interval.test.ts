import { describe, expect, it } from 'vitest';
import { frechetDistance } from './frechet.js';
import { frechetExtrapolation } from './frechet-extrapolation.js';
import { frechetInterval, prepareResampling } from './frechet-interval.js';
import { doJob } from './jobs.js';
import { type Matrix, rowsAt } from './matrix.js';
import { featureStatistics } from './statistics.js';
import { gaussian } from './testing/gaussian.js';

/** The statistics of a standard normal distribution itself. */
function standard(d: number) {
  const covariance = Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));
  return { mean: new Float64Array(d), covariance };
}

describe('a resample', () => {
  // Products of images with one another, and covariances; of a reference of full rank and of one of few images.
  it.each([
    [30, 12, 200],
    [30, 12, 9],
    [10, 12, 200],
    [80, 12, 200],
    [80, 12, 9],
  ])('of %i images of %i dimensions, a reference of %i, has the distance of its statistics', (n, d, count) => {
    const reference = featureStatistics(gaussian(count, d, 1));
    const samples = gaussian(n, d, 2);
    const resample = prepareResampling(reference, samples);
    for (const rows of [
      Int32Array.from({ length: n }, (_, i) => i),
      Int32Array.from({ length: n }, (_, i) => (i * i) % n),
    ]) {
      const { job, finish } = resample(rows);
      const [selected] = [...rowsAt(samples, rows)];
      const { distance } = frechetDistance(reference, featureStatistics(selected as Matrix));
      // What many images are projected to is in float32; of few, eigenvalues of 0 leave the root of rounding noise.
      expect(finish(doJob(job))).toBeCloseTo(distance, n > 2 * d ? 5 : 6);
    }
  });
});

describe('frechetInterval', () => {
  it('is around the distance, is wider at a higher level, and the same for the same seed', () => {
    const reference = featureStatistics(gaussian(300, 4, 1));
    const samples = gaussian(100, 4, 2);
    const [narrow, wide] = [0.5, 0.95].map((level) => frechetInterval(reference, samples, { resamples: 100, level }));
    const { distance } = frechetDistance(reference, featureStatistics(samples));
    expect(narrow?.distance).toBeCloseTo(distance, 5);
    for (const found of [narrow, wide]) {
      expect(found?.low).toBeLessThan(distance);
      expect(found?.high).toBeGreaterThan(distance);
      expect(found?.low).toBeGreaterThanOrEqual(0);
    }
    expect(wide?.high).toBeGreaterThan(narrow?.high ?? Number.NaN);
    expect(frechetInterval(reference, samples, { resamples: 100, level: 0.5 })).toEqual(narrow);
  });

  it("knows the spread and the bias of other images' distances", () => {
    const [d, n] = [3, 100];
    const moved = (seed: number): Matrix => {
      const set = gaussian(n, d, seed);
      return { ...set, data: set.data.map((value) => 1.2 * value + 0.5) };
    };
    const reference = standard(d);
    const truth = d * (0.5 ** 2 + 0.2 ** 2);
    const seeds = Array.from({ length: 400 }, (_, i) => i);
    const distances = seeds.map((seed) => frechetDistance(reference, featureStatistics(moved(seed))).distance);
    const mean = distances.reduce((a, b) => a + b) / distances.length;
    const spread = Math.sqrt(distances.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (distances.length - 1));
    const options = { resamples: 120, level: 0.9 };
    const intervals = seeds.slice(0, 80).map((seed) => frechetInterval(reference, moved(seed), options));
    const average = (of: (found: (typeof intervals)[0]) => number): number =>
      intervals.reduce((sum, found) => sum + of(found), 0) / intervals.length;
    expect(average(({ standardError }) => standardError) / spread).toBeGreaterThan(0.8);
    expect(average(({ standardError }) => standardError) / spread).toBeLessThan(1.25);
    expect(average(({ shift }) => shift) / (mean - truth)).toBeGreaterThan(0.5);
    expect(average(({ shift }) => shift) / (mean - truth)).toBeLessThan(2);
    const containing = intervals.filter(({ low, high }) => low <= mean && mean <= high).length;
    expect(containing / intervals.length).toBeGreaterThan(0.75);
    expect(containing / intervals.length).toBeLessThan(1);
  });

  it('refuses options out of range', () => {
    const [reference, samples] = [standard(2), gaussian(9, 2, 1)];
    expect(() => frechetInterval(reference, samples, { level: 1 })).toThrow('between 0 and 1, got 1');
    expect(() => frechetInterval(reference, samples, { resamples: 1 })).toThrow('at least 2 resamples, got 1');
  });
});

describe('frechetExtrapolation', () => {
  it('removes the bias of N', () => {
    const [d, n] = [10, 600];
    const found = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => frechetExtrapolation(standard(d), gaussian(n, d, seed)));
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
    const plain = mean(found.map(({ points }) => points.at(-1)?.distance ?? Number.NaN));
    // The true distance is 0.
    expect(plain).toBeGreaterThan(0.03);
    expect(Math.abs(mean(found.map(({ distance }) => distance)))).toBeLessThan(plain / 4);
    expect(mean(found.map(({ bias }) => bias)) / plain).toBeCloseTo(1, 0);
  });

  it('has the distances of its subsets, the last of all samples', () => {
    const reference = featureStatistics(gaussian(100, 3, 1));
    const samples = gaussian(90, 3, 2);
    const { points } = frechetExtrapolation(reference, samples, { points: 4, smallest: 30 });
    expect(points.map(({ count }) => count)).toEqual([30, 50, 70, 90]);
    const { distance } = frechetDistance(reference, featureStatistics(samples));
    expect(points.at(-1)?.distance).toBeCloseTo(distance, 9);
    expect(() => frechetExtrapolation(reference, samples, { smallest: 80 })).toThrow(
      'different sizes up to 90, got 15',
    );
  });
});
