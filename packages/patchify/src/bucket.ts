import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { checkWhole, refuse } from './error.js';

/**
 * Sizes to which numbers of patches are padded, so that few graphs are compiled. Either
 * - `step`: the multiples of `step`, and `max`. Padding: less than `step` patches.
 * - `ratio` (default, 1.125): sizes that fall from `max` by at most this factor. Padding: at most (ratio - 1) times the
 *   number of patches.
 */
export interface BucketOptions {
  /** Largest size, as a rule the number of tokens T. */
  readonly max: number;
  /** Distance of the sizes, in patches. */
  readonly step?: number;
  /** Largest factor between neighbouring sizes (default 1.125). */
  readonly ratio?: number;
}

/** Kinds of {@link BucketOptions}. */
export const bucketOptionsKinds: KindsOf<BucketOptions> = { max: 'number', 'step?': 'number', 'ratio?': 'number' };

/** All bucket sizes, ascending; the last is `max`. */
export function bucketSizes(options: BucketOptions): number[] {
  checkArguments('bucketSizes', { options }, { options: bucketOptionsKinds });
  const { max, step, ratio = 1.125 } = options;
  checkWhole('bucketSizes', 'max', max, 1);
  const sizes = [max];
  if (step !== undefined) {
    checkWhole('bucketSizes', 'step', step, 1);
    for (let size = Math.ceil(max / step - 1) * step; size > 0; size -= step) sizes.push(size);
    return sizes.reverse();
  }
  if (!(ratio > 1)) refuse('bucketSizes', "'ratio' to be a number above 1", ratio, 'Take 1.125 or so.');
  // The size before s is the largest number that s would pad by more than the factor.
  for (let size = Math.ceil(max / ratio) - 1; size > 0; size = Math.ceil(size / ratio) - 1) sizes.push(size);
  return sizes.reverse();
}

/**
 * The smallest bucket size that holds n patches.
 *
 * @throws PatchifyError if n is above `max`.
 */
export function bucketSize(n: number, options: BucketOptions): number {
  checkArguments('bucketSize', { n, options }, { n: 'number', options: bucketOptionsKinds });

  const size = bucketSizes(options).find((candidate) => candidate >= n);
  return size ?? refuse('bucketSize', `at most ${options.max} patches`, n, "Raise 'max'.");
}
