import { readFileSync } from 'node:fs';
import { fixturePath } from '@dpar/fixtures';
import { parseNpy, parseNpz, toFloat64Array } from '@dpar/io';
import { describe, expect, it } from 'vitest';
import { frechetDistance } from './frechet.js';
import { frechetExtrapolation } from './frechet-extrapolation.js';
import { frechetInterval } from './frechet-interval.js';
import { inceptionScore } from './inception-score.js';
import { kernelDistance } from './kernel-distance.js';
import type { Matrix } from './matrix.js';
import { precisionRecall } from './precision-recall.js';
import { type FeatureStatistics, featureStatistics, StatisticsAccumulator } from './statistics.js';
import { gaussian } from './testing/gaussian.js';

function read(path: string): Matrix {
  const stored = parseNpy(readFileSync(fixturePath(path)));
  const [rows = 0, columns = 0] = stored.shape;
  return { data: toFloat64Array(stored), rows, columns };
}

describe.each(['eval-64d', 'eval-singular'])('%s', (name) => {
  const expected = JSON.parse(readFileSync(fixturePath(`${name}/expected.json`), 'utf8'));
  const reference = read(`${name}/reference_features.npy`);
  const samples = read(`${name}/sample_features.npy`);

  it('gives the Fréchet distance, either way round', () => {
    const [a, b] = [featureStatistics(reference), featureStatistics(samples)];
    expect(Math.abs(frechetDistance(a, b).distance / expected.fid - 1)).toBeLessThan(1e-6);
    expect(Math.abs(frechetDistance(b, a).distance / expected.fid - 1)).toBeLessThan(1e-6);
  });

  it('gives it from stored statistics', () => {
    const stored = parseNpz(readFileSync(fixturePath(`${name}/reference_stats.npz`)));
    const [mean, covariance] = ['mu', 'sigma'].map((key) => {
      const array = stored.get(key);
      return array === undefined ? new Float64Array() : toFloat64Array(array);
    }) as [Float64Array, Float64Array];
    const { distance } = frechetDistance({ mean, covariance }, featureStatistics(samples));
    expect(Math.abs(distance / expected.fid - 1)).toBeLessThan(1e-6);
  });

  it('gives precision and recall', () => {
    const { precision, recall } = expected;
    expect(precisionRecall(reference, samples, { k: expected.k })).toEqual({ precision, recall });
  });

  it('gives the Inception Score', () => {
    const score = inceptionScore(read(`${name}/sample_logits.npy`), { splitSize: expected.inception_split_size });
    expect(Math.abs(score.mean / expected.inception_score - 1)).toBeLessThan(1e-6);
  });
});

describe('statistics', () => {
  it('do not depend on the pieces, and keep their digits beside a large mean', () => {
    const features = gaussian(700, 9, 1);
    const shifted = { ...features, data: features.data.map((value) => value + 1e6) };
    const whole = featureStatistics(features);
    const pieces = new StatisticsAccumulator(9);
    for (const [first, end] of [
      [0, 1],
      [1, 300],
      [300, 700],
    ] as const) {
      pieces.add({ data: shifted.data.subarray(first * 9, end * 9), rows: end - first, columns: 9 });
    }
    const { covariance, mean, count } = pieces.finish();
    expect(count).toBe(700);
    covariance.forEach((value, i) => {
      expect(value).toBeCloseTo(whole.covariance[i] ?? Number.NaN, 8);
    });
    mean.forEach((value, i) => {
      expect(value - 1e6).toBeCloseTo(whole.mean[i] ?? Number.NaN, 8);
    });
  });
});

describe('frechetDistance', () => {
  it('of a set with itself is 0, also with fewer samples than dimensions', () => {
    for (const rows of [20, 100]) {
      const statistics = featureStatistics(gaussian(rows, 40, 2));
      const { distance, warnings } = frechetDistance(statistics, statistics);
      expect(Math.abs(distance)).toBeLessThan(1e-6);
      expect(warnings.length > 0).toBe(rows <= 40);
    }
  });

  it('of diagonal Gaussians is the sum of squared differences of means and deviations', () => {
    const diagonal = (values: readonly number[]) =>
      Float64Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? (values[i / 4] ?? 0) : 0));
    const a = { mean: Float64Array.of(0, 1, 2), covariance: diagonal([1, 4, 9]) };
    const b = { mean: Float64Array.of(3, 1, 1), covariance: diagonal([16, 0, 9]) };
    expect(frechetDistance(a, b).distance).toBeCloseTo(9 + 1 + 9 + 4, 10);
  });

  it('of Gaussians whose covariances commute is that of their eigenvalues', () => {
    // Circulant matrices have the Fourier basis in common; the eigenvalues are the transform of the first row.
    const n = 24;
    const circulant = (at: number, value: number) => {
      const row = Float64Array.from({ length: n }, (_, i) => (i === 0 ? 3 : i === at || i === n - at ? value : 0));
      const covariance = Float64Array.from({ length: n * n }, (_, i) => {
        return row[((i % n) - Math.floor(i / n) + n) % n] as number;
      });
      const values = Array.from({ length: n }, (_, k) => 3 + 2 * value * Math.cos((2 * Math.PI * k * at) / n));
      return { statistics: { mean: new Float64Array(n), covariance }, values };
    };
    const [a, b] = [circulant(1, 1.4), circulant(5, -0.9)];
    const expected = a.values.reduce((sum, value, k) => sum + (Math.sqrt(value) - Math.sqrt(b.values[k] ?? 0)) ** 2, 0);
    const found = frechetDistance(a.statistics, b.statistics);
    expect(found.distance).toBeCloseTo(expected, 10);
    expect(found.bias).toContain('Of an unknown number and an unknown number images');
  });

  it('of two dimensions is what the root of a 2 x 2 matrix gives', () => {
    // tr M^1/2 = sqrt(tr M + 2 sqrt(det M)), of covariances that do not commute.
    const [a, b] = [Float64Array.of(4, 1, 1, 2), Float64Array.of(1, -0.5, -0.5, 3)];
    const product = 4 * 1 + 2 * (1 * -0.5) + 2 * 3;
    const determinant = (4 * 2 - 1) * (1 * 3 - 0.25);
    const expected = 4 + 2 + 1 + 3 - 2 * Math.sqrt(product + 2 * Math.sqrt(determinant));
    const mean = new Float64Array(2);
    expect(frechetDistance({ mean, covariance: a }, { mean, covariance: b }).distance).toBeCloseTo(expected, 12);
  });

  it('says of how many images it is', () => {
    const [a, b] = [featureStatistics(gaussian(30, 3, 1)), featureStatistics(gaussian(40, 3, 2))];
    expect(frechetDistance(a, b).bias).toMatch(/^Of 30 and 40 images: larger than the distance of infinitely many/);
  });

  it('does not change when both sets are reflected', () => {
    const columns = 17;
    const [x, y] = [gaussian(60, columns, 3), gaussian(50, columns, 4)];
    const normal = gaussian(1, columns, 5).data;
    const square = normal.reduce((sum, value) => sum + value * value, 0);
    const reflect = ({ data, rows }: Matrix): Matrix => {
      const turned = data.map((value, i) => {
        const row = i - (i % columns);
        const along = normal.reduce((sum, n, c) => sum + n * (data[row + c] ?? 0), 0);
        return value - (2 * along * (normal[i % columns] ?? 0)) / square;
      });
      return { data: turned, rows, columns };
    };
    const distance = (a: Matrix, b: Matrix) => frechetDistance(featureStatistics(a), featureStatistics(b)).distance;
    expect(distance(reflect(x), reflect(y))).toBeCloseTo(distance(x, y), 9);
  });
});

it('kernelDistance is about 0 for one distribution and positive for two', () => {
  const [x, y] = [gaussian(300, 8, 6), gaussian(300, 8, 7)];
  const same = kernelDistance(x, y, { subsets: 20, subsetSize: 100 });
  expect(Math.abs(same.mean)).toBeLessThan(0.05);
  expect(same.standardError).toBeGreaterThan(0);
  const moved = { ...y, data: y.data.map((value) => value + 1) };
  expect(kernelDistance(x, moved, { subsets: 20, subsetSize: 100 }).mean).toBeGreaterThan(1);
});

it('kernelDistance is unbiased, and of small sets what its definition says', () => {
  const values = Array.from({ length: 40 }, (_, seed) =>
    kernelDistance(gaussian(40, 3, 2 * seed), gaussian(40, 3, 2 * seed + 1), { subsets: 2, subsetSize: 40 }),
  ).map(({ mean }) => mean);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  expect(Math.abs(mean)).toBeLessThan((2.5 * spread) / Math.sqrt(values.length));
  expect(values.some((value) => value < 0)).toBe(true);
  // All of both sets: (1.2 / 2 + 1)^3 and so on.
  const x = { data: Float64Array.of(1, 0, 0, 2), rows: 2, columns: 2 };
  const y = { data: Float64Array.of(1, 1, -1, 3), rows: 2, columns: 2 };
  const kernel = (product: number) => (product / 2 + 1) ** 3;
  const expected = kernel(0) + kernel(2) - (2 * (kernel(1) + kernel(-1) + kernel(2) + kernel(6))) / 4;
  const found = kernelDistance(x, y, { subsets: 3 });
  expect(found.mean).toBeCloseTo(expected, 12);
  expect(found).toMatchObject({ standardError: expect.closeTo(0, 12), subsets: 3, subsetSize: 2 });
});

it('kernelDistance does not depend on where blocks end', () => {
  const [x, y] = [gaussian(600, 2, 8), gaussian(600, 2, 9)];
  const all = kernelDistance(x, y, { subsets: 2, subsetSize: 600 });
  const mean = (a: Matrix, b: Matrix, same: boolean): number => {
    let sum = 0;
    for (let i = 0; i < 600; i++) {
      for (let j = 0; j < 600; j++) {
        const product =
          (a.data[2 * i] ?? 0) * (b.data[2 * j] ?? 0) + (a.data[2 * i + 1] ?? 0) * (b.data[2 * j + 1] ?? 0);
        if (!(same && i === j)) sum += (product / 2 + 1) ** 3;
      }
    }
    return sum / (same ? 600 * 599 : 600 * 600);
  };
  expect(all.mean).toBeCloseTo(mean(x, x, true) + mean(y, y, true) - 2 * mean(x, y, false), 9);
});

it('refuses features of two lengths, and of NaN', () => {
  expect(() => precisionRecall(gaussian(9, 2, 1), gaussian(9, 3, 1))).toThrow('expected features of equal length');
  const bad = { data: Float64Array.of(1, Number.NaN, 3, 4), rows: 2, columns: 2 };
  expect(() => featureStatistics(bad)).toThrow('expected finite features, got NaN in row 0');
});

it('refuses what is no matrix of features, and features in place of statistics', () => {
  const plain = { data: [1, 2, 3, 4] as unknown as Float64Array, rows: 2, columns: 2 };
  expect(() => featureStatistics(plain)).toThrow("'data' a Float64Array or Float32Array");
  expect(() => featureStatistics([[1, 2]] as unknown as Matrix)).toThrow(
    "featureStatistics: expected 'features' to be an object with data, rows, columns, got an array of 1.",
  );
  expect(() => featureStatistics({ ...gaussian(9, 2, 1), rows: 8 })).toThrow('got [8, 2] with 18 numbers');
  const features = gaussian(9, 2, 1) as unknown as FeatureStatistics;
  expect(() => frechetDistance(features, features)).toThrow('Compute them with featureStatistics.');
});

describe('statistics from elsewhere', () => {
  const mean = new Float64Array(2);
  const fine = { mean, covariance: Float64Array.of(1, 0.5, 0.5, 1) };

  it.each<[string, FeatureStatistics, string]>([
    [
      'a covariance that is not symmetric',
      { mean, covariance: Float64Array.of(1, 2, 0, 1) },
      'got 0 at [1, 0] and 2 at [0, 1]',
    ],
    [
      'one with an eigenvalue below 0',
      { mean, covariance: Float64Array.of(1, 2, 2, 1) },
      'got one with the eigenvalue -1',
    ],
    ['variances below 0', { mean, covariance: Float64Array.of(-1, 0, 0, -1) }, 'got one with the eigenvalue -1'],
    [
      'covariances without variances',
      { mean, covariance: Float64Array.of(0, 1, 1, 0) },
      'got one with the eigenvalue -1',
    ],
    ['one of another size', { mean, covariance: Float64Array.of(1, 0, 0) }, 'got 2 and 3 numbers.'],
    ['a diagonal', { mean, covariance: Float64Array.of(1, 1) }, 'got 2 and 2 numbers.'],
    [
      'lists that are no typed arrays',
      { mean: [0, 0], covariance: [1, 0, 0, 1] } as unknown as FeatureStatistics,
      'expected a mean and a covariance as Float64Array, got Array and Array.',
    ],
    ['nothing', { mean: new Float64Array(0), covariance: new Float64Array(0) }, 'got 0 and 0 numbers.'],
    [
      'NaN in the mean',
      { ...fine, mean: Float64Array.of(0, Number.NaN) },
      'expected finite statistics, got NaN at [1] of the mean.',
    ],
    [
      'NaN in the covariance',
      { mean, covariance: Float64Array.of(1, Number.NaN, 0, 1) },
      'expected finite statistics, got NaN at [0, 1] of the covariance.',
    ],
    [
      'an infinite variance',
      { mean, covariance: Float64Array.of(1, 0, 0, Number.POSITIVE_INFINITY) },
      'got Infinity at [1, 1] of the covariance.',
    ],
  ])('%s is refused by every function of them', (_, statistics, message) => {
    const samples = gaussian(20, 2, 1);
    if (statistics.mean.length === 2) expect(() => frechetDistance(fine, statistics)).toThrow(message);
    expect(() => frechetDistance(statistics, fine)).toThrow(`frechetDistance: expected`);
    expect(() => frechetDistance(statistics, fine)).toThrow(message);
    expect(() => frechetInterval(statistics, samples, { resamples: 2 })).toThrow(message);
    expect(() => frechetExtrapolation(statistics, samples)).toThrow(message);
  });

  it('may be rounded to float32, also with fewer samples than dimensions', () => {
    const [a, b] = [featureStatistics(gaussian(30, 64, 3)), featureStatistics(gaussian(300, 64, 4))];
    const rounded = ({ mean, covariance }: FeatureStatistics) => ({
      mean: Float64Array.from(Float32Array.from(mean)),
      covariance: Float64Array.from(Float32Array.from(covariance)),
    });
    const { distance } = frechetDistance(a, b);
    expect(frechetDistance(rounded(a), rounded(b)).distance / distance).toBeCloseTo(1, 3);
    expect(frechetDistance(rounded(b), rounded(a)).distance / distance).toBeCloseTo(1, 3);
  });

  it('has no distance below 0, nor 0 with a sign', () => {
    for (let seed = 0; seed < 20; seed++) {
      const statistics = featureStatistics(gaussian(30, 8, seed));
      expect(Object.is(Math.min(0, frechetDistance(statistics, statistics).distance), 0)).toBe(true);
    }
  });
});
