import type { KindsOf } from '@dpar/check';
import { confidenceShares, createRandom, DparError, type Interval, normalQuantile, quantiles } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { correlate, correlationOf, type PairSums, sumsOfPairs } from './correlation.js';

/** Pearson's correlation with its confidence interval. */
export interface Correlation extends Interval {
  /** -1 to 1; NaN if one of the sequences is constant. */
  readonly correlation: number;
  /** Number of independent pairs, or groups of pairs. */
  readonly count: number;
}

/**
 * Pearson's correlation of independent pairs, such as the patches and the compressed sizes of images (supplement, 1.8). The
 * interval is that of Fisher's z transform: atanh r is about normal with standard deviation 1 / sqrt(n - 3) (Fisher 1921). It
 * assumes pairs that are jointly normal.
 *
 * @param a [n]
 * @param b [n]
 * @param options `level`: Confidence level.
 * @throws DparError if the lengths differ, there are fewer than 4 pairs, or the level is not between 0 and 1.
 */
export function correlateIndependent(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: { level?: number | undefined } = {},
): Correlation {
  checkArguments(
    'correlateIndependent',
    { a, b, options },
    { a: 'number[]', b: 'number[]', 'options?': { 'level?': 'number' } },
  );
  const { level = 0.95 } = options;
  const [, upper] = confidenceShares('correlateIndependent', level);
  const correlation = correlate('correlateIndependent', a, b);
  const count = a.length;
  if (count < 4) {
    throw new DparError(`correlateIndependent: expected 4 or more pairs, got ${count}. Pass more pairs.`);
  }
  const reach = normalQuantile(upper) / Math.sqrt(count - 3);
  const z = Math.atanh(correlation);
  return { correlation, low: Math.tanh(z - reach), high: Math.tanh(z + reach), level, count };
}

/** Settings of the bootstrap of {@link correlateGroups}. */
export interface CorrelateGroupsOptions {
  /** Number of resamples (default: 2000). */
  readonly resamples?: number | undefined;
  /** Confidence level (default: 0.95). */
  readonly level?: number | undefined;
  /** Seed of the resamples (default: 0). */
  readonly seed?: number | undefined;
}

const correlateGroupsOptionsKinds: KindsOf<CorrelateGroupsOptions> = {
  'resamples?': 'number',
  'level?': 'number',
  'seed?': 'number',
};

/**
 * Pearson's correlation over all pairs of independent groups of one size, such as the tokens of images. It is the paper's
 * p-corr of entropy maps (Tables S4 and S5). The pairs within a group may depend on one another. The interval is the percentile
 * interval of a bootstrap that draws whole groups with replacement. A resample costs a few additions a group.
 *
 * @param a [groups, size]
 * @param b [groups, size]
 * @throws DparError if the lengths differ, the size does not divide them, there are fewer than 2 groups, or an option is out
 * of range.
 */
export function correlateGroups(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  size: number,
  options: CorrelateGroupsOptions = {},
): Correlation {
  checkArguments(
    'correlateGroups',
    { a, b, size, options },
    { a: 'number[]', b: 'number[]', size: 'number', 'options?': correlateGroupsOptionsKinds },
  );
  const { resamples = 2000, level = 0.95, seed = 0 } = options;
  const ends = confidenceShares('correlateGroups', level);
  const correlation = correlate('correlateGroups', a, b);
  const count = a.length / size;
  if (!(Number.isInteger(count) && count >= 2)) {
    throw new DparError(
      `correlateGroups: expected 2 or more groups of ${size} pairs, got ${a.length} pairs. Take more images.`,
    );
  }
  if (!(Number.isInteger(resamples) && resamples >= 2)) {
    throw new DparError(
      `correlateGroups: expected 2 or more resamples, got ${resamples}. Leave 'resamples' out for the default of 2000.`,
    );
  }
  const groups = sumsOfPairs(a, b, size);
  const correlations = Float64Array.from({ length: resamples }, (_, i) => {
    const random = createRandom(seed, i);
    const total: PairSums = { n: 0, a: 0, b: 0, aa: 0, bb: 0, ab: 0 };
    for (let drawn = 0; drawn < count; drawn++) {
      const group = groups[random.integer(count)] as PairSums;
      total.n += group.n;
      total.a += group.a;
      total.b += group.b;
      total.aa += group.aa;
      total.bb += group.bb;
      total.ab += group.ab;
    }
    return correlationOf(total);
  });
  // A constant resample has no correlation.
  const known = correlations.filter((value) => !Number.isNaN(value));
  const [low, high] = known.length === 0 ? [Number.NaN, Number.NaN] : (quantiles(known, ends) as [number, number]);
  return { correlation, low, high, level, count };
}
