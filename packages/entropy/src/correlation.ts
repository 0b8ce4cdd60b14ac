import { DparError } from '@dpar/tensor';

/**
 * Pearson's correlation of two sequences of numbers, such as the entropies of the same tokens under two models (the
 * paper's p-corr, Tables S4 and S5) or the patches and compressed sizes of images.
 * @param a [n]
 * @param b [n]
 * @returns -1 to 1; NaN if one of them does not vary.
 * @throws DparError if they differ in length or are empty.
 */
export function pearsonCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  if (n === 0 || n !== b.length) {
    throw new DparError(`pearsonCorrelation: expected two sequences of one length, got ${n} and ${b.length} numbers.`);
  }
  const meanA = mean(a);
  const meanB = mean(b);
  let covariance = 0;
  let varianceA = 0;
  let varianceB = 0;
  for (let i = 0; i < n; i++) {
    const da = (a[i] as number) - meanA;
    const db = (b[i] as number) - meanB;
    covariance += da * db;
    varianceA += da * da;
    varianceB += db * db;
  }
  return Math.max(-1, Math.min(1, covariance / Math.sqrt(varianceA * varianceB)));
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}
