import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { checkWhole, refuse } from './error.js';

/**
 * Bucket sizes that numbers of patches are padded to, so that few graphs are compiled. Either
 * - `step`: multiples of `step`, and `max`. Padding takes less than `step` patches.
 * - `ratio` (default, 1.125): sizes that fall from `max` by at most this factor. Padding takes at most (ratio - 1) times
 *   the number of patches.
 */
export interface BucketOptions {
  /** Largest size, usually the number of tokens T. */
  readonly max: number;
  /** Distance between sizes, in patches. */
  readonly step?: number;
  /** Largest factor between neighbouring sizes (default 1.125). */
  readonly ratio?: number;
}

/** Kinds of {@link BucketOptions}. */
export const bucketOptionsKinds: KindsOf<BucketOptions> = { max: 'number', 'step?': 'number', 'ratio?': 'number' };

/** All bucket sizes in ascending order; the last is `max`. @throws PatchifyError if an option is out of range. */
export function bucketSizes(options: BucketOptions): number[] {
  checkArguments('bucketSizes', { options }, { options: bucketOptionsKinds });
  return sizesOf('bucketSizes', options);
}

function sizesOf(where: string, { max, step, ratio = 1.125 }: BucketOptions): number[] {
  checkWhole(where, 'max', max, 1);
  const sizes = [max];
  if (step !== undefined) {
    checkWhole(where, 'step', step, 1);
    for (let size = Math.ceil(max / step - 1) * step; size > 0; size -= step) sizes.push(size);
    return sizes.reverse();
  }
  if (!(ratio > 1)) refuse(where, "'ratio' to be a number above 1", ratio, '1.125 is usual.');
  // The size before s is the largest number that s would pad by more than the factor.
  for (let size = Math.ceil(max / ratio) - 1; size > 0; size = Math.ceil(size / ratio) - 1) sizes.push(size);
  return sizes.reverse();
}

/**
 * Smallest bucket size that holds n patches.
 *
 * @throws PatchifyError if n is above `max`.
 */
export function bucketSize(n: number, options: BucketOptions): number {
  checkArguments('bucketSize', { n, options }, { n: 'number', options: bucketOptionsKinds });
  return smallestBucket('bucketSize', n, options);
}

/** {@link bucketSize}, with errors that name the function `where`. */
export function smallestBucket(where: string, n: number, options: BucketOptions): number {
  const size = sizesOf(where, options).find((candidate) => candidate >= n);
  return size ?? refuse(where, `at most ${options.max} patches`, n, "Raise 'max'.");
}
