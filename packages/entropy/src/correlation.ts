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
 * paper's p-corr, Tables S4 and S5).
 * @param a [n]
 * @param b [n]
 * @returns -1 to 1; NaN if one of the sequences is constant.
 * @throws DparError if the lengths differ or are 0.
 */
export function pearsonCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkArguments('pearsonCorrelation', { a, b }, { a: 'number[]', b: 'number[]' });
  return correlate('pearsonCorrelation', a, b);
}

/** The correlation of {@link pearsonCorrelation}. @param caller Function that errors name. */
export function correlate(caller: string, a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  if (n === 0 || n !== b.length) {
    throw new DparError(
      `${caller}: expected two sequences of one length, got ${n} and ${b.length} numbers. Pass pairs.`,
    );
  }
  return correlationOf(sumsOfPairs(a, b, n)[0] as PairSums);
}

/** Sums over consecutive groups of pairs. Values are measured from their overall means, which keeps precision. */
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

/** Correlation of the summed pairs; NaN if a or b is constant. */
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
