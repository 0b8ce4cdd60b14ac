import type { KindsOf } from '@dpar/check';
import { confidenceShares, createRandom, DparError, type Interval, quantiles } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import type { Factor } from './cholesky.js';
import { checkStatistics, covarianceFactor } from './covariance.js';
import { distanceOf, sumOfRoots, trace } from './frechet.js';
import { type Job, type Plan, runPlan, type Task } from './jobs.js';
import { checkColumns, checkMatrix, type Matrix, matrixKinds, rowProducts, rowsAt, rowsOf } from './matrix.js';
import { type FeatureStatistics, featureStatisticsKinds, mean, StatisticsAccumulator, variance } from './statistics.js';

/** Bootstrap interval of the Fréchet distance of N samples. */
export interface FrechetInterval extends Interval {
  /** Distance of the samples themselves. */
  readonly distance: number;
  /** Standard deviation of the resamples' distances. */
  readonly standardError: number;
  /**
   * Mean excess of the resamples' distances. It estimates the distance's own bias only if N is well above the number of
   * dimensions.
   */
  readonly shift: number;
  /** Number of resamples. */
  readonly resamples: number;
}

/** Options of {@link frechetInterval}. */
export interface FrechetIntervalOptions {
  /** Number of resamples. Default: 200. */
  readonly resamples?: number | undefined;
  /** Confidence level. Default: 0.95. */
  readonly level?: number | undefined;
  /** Seed of the resamples. Default: 0. */
  readonly seed?: number | undefined;
}

const frechetIntervalOptionsKinds: KindsOf<FrechetIntervalOptions> = {
  'resamples?': 'number',
  'level?': 'number',
  'seed?': 'number',
};

/**
 * Bootstrap interval of FID: the variation of the distance of N samples if others were drawn from the same model. Each
 * resample draws N of the N sample images with replacement. The reference is fixed. The interval does not remove the bias of
 * N samples. Resamples hold fewer distinct images, which shifts their distances up. The interval therefore centres their
 * spread on the measured distance.
 *
 * Coverage was measured for Gaussians of 3 and 20 dimensions, N from 60 to 400 and level 0.9. The intervals contained the
 * mean distance of N samples in 0.86 to 0.95 of 300 trials.
 *
 * Each resample costs the eigenvalues of one symmetric matrix. Its size is the rank of the reference or the number of distinct
 * images in the resample (about 0.63 N), whichever is less work. Memory beyond the features: N^2 float64 numbers, or N x rank
 * float32 numbers for many images.
 *
 * @param samples [N, D]
 * @throws DparError if lengths differ, or an option is out of range.
 */
export function frechetInterval(
  reference: FeatureStatistics,
  samples: Matrix,
  options: FrechetIntervalOptions = {},
): FrechetInterval {
  return runPlan(planFrechetInterval(reference, samples, options));
}

/** Plan of {@link frechetInterval}: its checks and tasks. */
export function planFrechetInterval(
  reference: FeatureStatistics,
  samples: Matrix,
  options: FrechetIntervalOptions,
): Plan<FrechetInterval> {
  checkArguments(
    'frechetInterval',
    { reference, samples, options },
    { reference: featureStatisticsKinds, samples: matrixKinds, options: frechetIntervalOptionsKinds },
  );
  const { resamples = 200, level = 0.95, seed = 0 } = options;
  checkStatistics('frechetInterval', reference);
  const d = reference.mean.length;
  const n = samples.rows;
  checkColumns('frechetInterval', d, samples.columns);
  checkMatrix('frechetInterval', samples, 2);
  const ends = confidenceShares('frechetInterval', level);
  if (!(Number.isInteger(resamples) && resamples >= 2)) {
    throw new DparError(`frechetInterval: expected at least 2 resamples, got ${resamples}. Use about 200.`);
  }
  let distance = Number.NaN;
  const distances = new Float64Array(resamples);
  function* tasks(): Generator<Task> {
    const distanceOf = prepareResampling(reference, samples);
    const all = distanceOf(Int32Array.from({ length: n }, (_, i) => i));
    yield {
      job: all.job,
      take: (eigenvalues) => {
        distance = all.finish(eigenvalues);
      },
    };
    for (let i = 0; i < resamples; i++) {
      const random = createRandom(seed, i);
      const { job, finish } = distanceOf(Int32Array.from({ length: n }, () => random.integer(n)));
      yield {
        job,
        take: (eigenvalues) => {
          distances[i] = finish(eigenvalues);
        },
      };
    }
  }
  return {
    stages: [tasks],
    result: () => {
      const centre = mean(distances);
      const [low, high] = quantiles(distances, ends) as [number, number];
      return {
        distance,
        low: Math.max(0, distance + low - centre),
        high: distance + high - centre,
        level,
        standardError: Math.sqrt(variance(distances)),
        shift: centre - distance,
        resamples,
      };
    },
  };
}

/** A distance in two steps: a job that computes eigenvalues, and the distance from them. */
export interface Resample {
  readonly job: Job;
  finish(eigenvalues: Float64Array): number;
}

/** Makes the job of a selection of sample rows; a row counts as often as it is listed. */
type JobOf = (rows: Int32Array) => Job;

/** Rows projected at a time. */
const pieceRows = 1024;

/**
 * Prepares Fréchet distances between a reference and selections of N of N samples with replacement.
 *
 * Let L L^T be the reference's covariance, m its mean, and y = L^T (x - m). The distance needs the eigenvalues of the
 * covariance of y. Those other than 0 are also the eigenvalues of the Gram matrix of the centred y. It is computed once, and a
 * row that occurs w times is scaled by sqrt(w).
 */
export function prepareResampling(reference: FeatureStatistics, samples: Matrix): (rows: Int32Array) => Resample {
  const { data, rows: n, columns: d } = samples;
  const { mean } = reference;
  const factor = covarianceFactor('frechetInterval', reference.covariance, d);
  const referenceTrace = trace(reference.covariance, d);
  // A resample has about 0.63 n distinct rows. Up to this size the Gram matrix is less work than a covariance.
  const few = n <= 2 * factor.rank;
  const jobOf = (few ? jobsOfProducts : jobsOfCovariances)(project(reference, factor, samples, few));
  return (rows) => {
    const sum = new Float64Array(d); // of the differences from the reference's mean
    let squares = 0;
    for (const row of rows) {
      for (let c = 0; c < d; c++) {
        const difference = (data[row * d + c] as number) - (mean[c] as number);
        sum[c] = (sum[c] as number) + difference;
        squares += difference * difference;
      }
    }
    const ofMeans = sum.reduce((total, value) => total + (value / n) ** 2, 0);
    const ownTrace = (squares - n * ofMeans) / (n - 1);
    return {
      job: jobOf(rows),
      finish: (eigenvalues) => distanceOf(ofMeans + referenceTrace + ownTrace, sumOfRoots(eigenvalues)),
    };
  };
}

/** Projects all samples: L^T (x - m), [N, rank], in float64 or float32. */
function project({ mean }: FeatureStatistics, { data, rank }: Factor, samples: Matrix, double: boolean): Matrix {
  const { rows, columns } = samples;
  const all = new (double ? Float64Array : Float32Array)(rows * rank);
  for (let first = 0; first < rows; first += pieceRows) {
    const piece = rowsOf(samples, first, pieceRows);
    const centred = Float64Array.from(piece.data);
    for (let r = 0; r < piece.rows; r++) {
      for (let c = 0; c < columns; c++) {
        centred[r * columns + c] = (centred[r * columns + c] as number) - (mean[c] as number);
      }
    }
    const projected = rowProducts({ ...piece, data: centred }, { data, rows: rank, columns });
    all.set(projected, first * rank);
  }
  return { data: all, rows, columns: rank };
}

function jobsOfCovariances(projected: Matrix): JobOf {
  return (rows) => {
    const accumulator = new StatisticsAccumulator(projected.columns);
    for (const piece of rowsAt(projected, rows)) accumulator.add(piece);
    return { kind: 'eigenvalues', matrix: accumulator.finish().covariance, size: projected.columns };
  };
}

function jobsOfProducts(projected: Matrix): JobOf {
  const n = projected.rows;
  const products = rowProducts(projected, projected, true);
  return (rows) => {
    const weights = new Float64Array(n);
    for (const row of rows) weights[row] = (weights[row] as number) + 1;
    const different = Int32Array.from({ length: n }, (_, i) => i).filter((i) => (weights[i] as number) > 0);
    // Products of each row with the weighted mean of all rows, and of the mean with itself.
    const withMean = Float64Array.from(different, (i) => {
      let sum = 0;
      for (const j of different) sum += (weights[j] as number) * (products[i * n + j] as number);
      return sum / n;
    });
    const ofMean = different.reduce((sum, i, at) => sum + ((weights[i] as number) * (withMean[at] as number)) / n, 0);
    const size = different.length;
    const matrix = new Float64Array(size * size);
    for (const [a, i] of different.entries()) {
      for (let b = 0; b <= a; b++) {
        const j = different[b] as number;
        const centred = (products[i * n + j] as number) - (withMean[a] as number) - (withMean[b] as number) + ofMean;
        const value = (Math.sqrt((weights[i] as number) * (weights[j] as number)) * centred) / (n - 1);
        matrix[a * size + b] = value;
        matrix[b * size + a] = value;
      }
    }
    return { kind: 'eigenvalues', matrix, size };
  };
}
