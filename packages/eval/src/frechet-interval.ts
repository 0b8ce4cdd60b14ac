import type { KindsOf } from '@dpar/check';
import { confidenceShares, createRandom, DparError, type Interval, quantiles } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { checkStatistics } from './covariance.js';
import { prepareResampling } from './frechet-resampling.js';
import { type Plan, runPlan, type Task } from './jobs.js';
import { checkColumns, checkMatrix, type Matrix, matrixKinds } from './matrix.js';
import { type FeatureStatistics, featureStatisticsKinds, mean, variance } from './statistics.js';

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
