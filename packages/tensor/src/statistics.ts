import { checkArguments } from './check-arguments.js';
import { DparError } from './error.js';

/**
 * Quantiles of numbers, linear between neighbours in order (type 7 of Hyndman and Fan 1996, as R's and NumPy's default).
 * @param shares From 0, the smallest number, to 1, the largest.
 * @returns One for each share.
 * @throws DparError if there are no numbers, or a share is outside [0, 1].
 */
export function quantiles(values: ArrayLike<number>, shares: readonly number[]): number[] {
  checkArguments('quantiles', { values, shares }, { values: 'number[]', shares: 'number[]' });

  if (values.length === 0) throw new DparError('quantiles: expected numbers, got none.');
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => {
    if (!(share >= 0 && share <= 1)) throw new DparError(`quantiles: expected shares from 0 to 1, got ${share}.`);
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const low = sorted[below] as number;
    return low + (place - below) * ((sorted[Math.min(below + 1, sorted.length - 1)] as number) - low);
  });
}

/** Where a quantity lies with some confidence. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** How often such intervals contain the quantity, such as 0.95. */
  readonly level: number;
}

/**
 * Checks a confidence level.
 * @param caller Name for the message.
 * @returns The shares of the two ends, such as 0.025 and 0.975.
 * @throws DparError if the level is not between 0 and 1.
 */
export function confidenceShares(caller: string, level: number): [number, number] {
  checkArguments('confidenceShares', { caller, level }, { caller: 'string', level: 'number' });

  if (!(level > 0 && level < 1)) {
    throw new DparError(`${caller}: expected a confidence level between 0 and 1, got ${level}. 0.95 is usual.`);
  }
  return [(1 - level) / 2, (1 + level) / 2];
}
