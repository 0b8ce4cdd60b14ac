import type { KindsOf } from '@dpar/check';
import { createRandom, DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { checkStatistics, covarianceFactor } from './covariance.js';
import { commonMatrix, distanceOf, squaredDifference, sumOfRoots, trace } from './frechet.js';
import { type Plan, runPlan, type Task } from './jobs.js';
import { checkColumns, checkMatrix, type Matrix, matrixKinds, rowsAt } from './matrix.js';
import { type FeatureStatistics, featureStatisticsKinds, mean, StatisticsAccumulator } from './statistics.js';

/** A Fréchet distance extrapolated to infinitely many samples. */
export interface FrechetExtrapolation {
  /** The estimate: the line's value at 1/N = 0. */
  readonly distance: number;
  /** Excess of the distance of all samples by the same line: slope / N. */
  readonly bias: number;
  /** Distances of the subsets, smallest first. The last is of all samples. */
  readonly points: readonly { readonly count: number; readonly distance: number }[];
}

/** Options of {@link frechetExtrapolation}: the subsets. */
export interface FrechetExtrapolationOptions {
  /** Number of sizes, evenly spaced. Default: 15, as in the paper. */
  readonly points?: number | undefined;
  /** Smallest size. Default: a tenth of all samples, but at least twice the dimensions or half of all samples. */
  readonly smallest?: number | undefined;
  /** Seed of the random order. Default: 0. */
  readonly seed?: number | undefined;
}

const frechetExtrapolationOptionsKinds: KindsOf<FrechetExtrapolationOptions> = {
  'points?': 'number',
  'smallest?': 'number',
  'seed?': 'number',
};

/**
 * FID at infinitely many samples (Chong and Forsyth 2020). FID of subsets of several sizes is fitted against 1/N by least
 * squares and extrapolated to 0. Subsets are prefixes of one random order, so their statistics cost no more than those of all
 * samples. The bias of the reference's own N remains. The fit is only valid if N is well above the number of dimensions.
 *
 * Time: one `frechetDistance` per point.
 *
 * @param reference Statistics of as many samples as possible.
 * @param samples [N, D]
 * @throws DparError if lengths differ, or there are too few samples for the points.
 */
export function frechetExtrapolation(
  reference: FeatureStatistics,
  samples: Matrix,
  options: FrechetExtrapolationOptions = {},
): FrechetExtrapolation {
  return runPlan(planFrechetExtrapolation(reference, samples, options));
}

/** Plan of {@link frechetExtrapolation}: its checks and tasks. */
export function planFrechetExtrapolation(
  reference: FeatureStatistics,
  samples: Matrix,
  options: FrechetExtrapolationOptions,
): Plan<FrechetExtrapolation> {
  checkArguments(
    'frechetExtrapolation',
    { reference, samples, options },
    { reference: featureStatisticsKinds, samples: matrixKinds, options: frechetExtrapolationOptionsKinds },
  );
  const { points = 15, smallest, seed = 0 } = options;
  checkStatistics('frechetExtrapolation', reference);
  const d = reference.mean.length;
  const n = samples.rows;
  checkColumns('frechetExtrapolation', d, samples.columns);
  checkMatrix('frechetExtrapolation', samples, 4);
  const from = smallest ?? Math.max(Math.ceil(n / 10), Math.min(Math.ceil(n / 2), 2 * d));
  if (!(Number.isInteger(points) && points >= 2 && Number.isInteger(from) && from >= 2 && from + points - 1 <= n)) {
    throw new DparError(
      `frechetExtrapolation: expected at least 2 different sizes up to ${n}, got ${points} sizes from ${from}. ` +
        'Use fewer points or more samples.',
    );
  }
  const counts = Array.from({ length: points }, (_, i) => Math.round(from + ((n - from) * i) / (points - 1)));
  const distances: number[] = [];
  function* tasks(): Generator<Task> {
    const factor = covarianceFactor('frechetExtrapolation', reference.covariance, d);
    const order = createRandom(seed).permutation(n);
    const accumulator = new StatisticsAccumulator(d);
    let added = 0;
    for (const [place, count] of counts.entries()) {
      for (const piece of rowsAt(samples, order.subarray(added, count))) accumulator.add(piece);
      added = count;
      const { mean, covariance } = accumulator.finish();
      const rest = squaredDifference(reference.mean, mean) + trace(reference.covariance, d) + trace(covariance, d);
      yield {
        job: { kind: 'eigenvalues', matrix: commonMatrix(factor, covariance, d), size: factor.rank },
        take: (eigenvalues) => {
          distances[place] = distanceOf(rest, sumOfRoots(eigenvalues));
        },
      };
    }
  }
  return {
    stages: [tasks],
    result: () => {
      const { intercept, slope } = line(
        counts.map((count) => 1 / count),
        distances,
      );
      return {
        distance: intercept,
        bias: slope / n,
        points: counts.map((count, i) => ({ count, distance: distances[i] as number })),
      };
    },
  };
}

/** Least-squares line through points. */
function line(x: readonly number[], y: readonly number[]): { intercept: number; slope: number } {
  const [meanX, meanY] = [mean(x), mean(y)];
  const along = mean(x.map((value, i) => (value - meanX) * ((y[i] as number) - meanY)));
  const slope = along / mean(x.map((value) => (value - meanX) ** 2));
  return { intercept: meanY - slope * meanX, slope };
}
