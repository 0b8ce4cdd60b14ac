import { checkArguments } from './check-arguments.js';
import { DparError } from './error.js';

/**
 * Quantiles of numbers, with linear interpolation (type 7 of Hyndman and Fan 1996, the default of R and NumPy).
 * @param shares Shares from 0 (the smallest number) to 1 (the largest).
 * @returns One quantile for each share.
 * @throws DparError if there are no numbers, or a share is outside [0, 1].
 */
export function quantiles(values: ArrayLike<number>, shares: readonly number[]): number[] {
  checkArguments('quantiles', { values, shares }, { values: 'number[]', shares: 'number[]' });

  if (values.length === 0) throw new DparError('quantiles: expected numbers, got none. Pass at least one.');
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => {
    if (!(share >= 0 && share <= 1))
      throw new DparError(`quantiles: expected shares from 0 to 1, got ${share}. Check 'shares'.`);
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const low = sorted[below] as number;
    return low + (place - below) * ((sorted[Math.min(below + 1, sorted.length - 1)] as number) - low);
  });
}

/** Confidence interval of a quantity. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** Confidence level: the share of such intervals that contain the quantity, such as 0.95. */
  readonly level: number;
}

/**
 * Shares of the two ends of a confidence interval, such as 0.025 and 0.975.
 * @param caller Name of the calling function, for the message.
 * @throws DparError if the level is not between 0 and 1.
 */
export function confidenceShares(caller: string, level: number): [number, number] {
  checkArguments('confidenceShares', { caller, level }, { caller: 'string', level: 'number' });

  if (!(level > 0 && level < 1)) {
    throw new DparError(
      `${caller}: expected a confidence level between 0 and 1, got ${level}. Pass 0.95, for example.`,
    );
  }
  return [(1 - level) / 2, (1 + level) / 2];
}
