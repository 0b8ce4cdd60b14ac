import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** Sums over pairs of numbers (a, b). */
export interface PairSums {
  n: number;
  a: number;
  b: number;
  aa: number;
  bb: number;
  ab: number;
}

/**
 * Pearson's correlation of two sequences of numbers, such as the entropies of the same tokens under two models (the
 * paper's p-corr, Tables S4 and S5) or the patches and compressed sizes of images.
 * @param a [n]
 * @param b [n]
 * @returns -1 to 1; NaN if one of them does not vary.
 * @throws DparError if they differ in length or are empty.
 */
export function pearsonCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkArguments('pearsonCorrelation', { a, b }, { a: 'number[]', b: 'number[]' });
  return correlate('pearsonCorrelation', a, b);
}

/** As {@link pearsonCorrelation}, for a function that is called `where`. */
export function correlate(where: string, a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  if (n === 0 || n !== b.length) {
    throw new DparError(
      `${where}: expected two sequences of one length, got ${n} and ${b.length} numbers. Pass pairs.`,
    );
  }
  return correlationOf(sumsOfPairs(a, b, n)[0] as PairSums);
}

/** Sums over consecutive groups of pairs, measured from the means of all, so that these cost no digits. */
export function sumsOfPairs(a: ArrayLike<number>, b: ArrayLike<number>, size: number): PairSums[] {
  const [meanA, meanB] = [mean(a), mean(b)];
  return Array.from({ length: a.length / size }, (_, group) => {
    const sums: PairSums = { n: size, a: 0, b: 0, aa: 0, bb: 0, ab: 0 };
    for (let i = group * size; i < (group + 1) * size; i++) {
      const da = (a[i] as number) - meanA;
      const db = (b[i] as number) - meanB;
      sums.a += da;
      sums.b += db;
      sums.aa += da * da;
      sums.bb += db * db;
      sums.ab += da * db;
    }
    return sums;
  });
}

/** The correlation of the pairs that sums are of; NaN if a or b does not vary. */
export function correlationOf({ n, a, b, aa, bb, ab }: PairSums): number {
  const varianceA = aa - (a * a) / n;
  const varianceB = bb - (b * b) / n;
  return Math.max(-1, Math.min(1, (ab - (a * b) / n) / Math.sqrt(varianceA * varianceB)));
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}
