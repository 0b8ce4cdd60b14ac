import { DparError } from '@dpar/tensor';
import { pivotedCholesky } from './cholesky.js';
import { symmetricEigenvalues } from './eigenvalues.js';
import { checkColumns, rowProducts } from './matrix.js';
import type { FeatureStatistics } from './statistics.js';

/** A Fréchet distance, and what to know about it. */
export interface FrechetDistance {
  readonly distance: number;
  /** Sentences for the reader of the number, such as that a covariance is rank-deficient. */
  readonly warnings: readonly string[];
}

/**
 * Fréchet distance of two Gaussians, |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^1/2): FID on Inception pool features, sFID on
 * spatial ones (Heusel et al. 2017, equation 6).
 *
 * The trace of the root is the sum of the roots of the eigenvalues of S1^1/2 S2 S1^1/2, clamped at 0. They are also those of
 * L^T S2 L for any S1 = L L^T; with the pivoted Cholesky factor that matrix has as many rows as S1 has rank, so that a
 * covariance of few samples gives no spurious eigenvalues.
 *
 * @throws DparError if the two have different lengths or are no statistics.
 */
export function frechetDistance(a: FeatureStatistics, b: FeatureStatistics): FrechetDistance {
  const d = a.mean.length;
  checkColumns('frechetDistance', d, b.mean.length);
  for (const { mean, covariance } of [a, b]) {
    if (covariance.length !== d * d || !covariance.every(Number.isFinite) || !mean.every(Number.isFinite)) {
      throw new DparError(
        `frechetDistance: expected a finite covariance [${d}, ${d}], got ${covariance.length} numbers. Compute it again.`,
      );
    }
  }
  let distance = 0;
  for (let i = 0; i < d; i++) {
    const difference = (a.mean[i] as number) - (b.mean[i] as number);
    distance += difference * difference + (a.covariance[i * d + i] as number) + (b.covariance[i * d + i] as number);
  }
  // The covariance of fewer samples is the one factored: its rank is smaller.
  const [thin, full] = (a.count ?? Number.POSITIVE_INFINITY) <= (b.count ?? Number.POSITIVE_INFINITY) ? [a, b] : [b, a];
  const { data, rank } = pivotedCholesky(thin.covariance, d);
  const factor = { data, rows: rank, columns: d }; // L^T [rank, d]
  const half = { data: rowProducts(factor, { data: full.covariance, rows: d, columns: d }), rows: rank, columns: d };
  for (const value of symmetricEigenvalues(rowProducts(half, factor, true), rank)) {
    distance -= 2 * Math.sqrt(Math.max(0, value));
  }
  const warnings = [a, b].flatMap(({ count }) =>
    count !== undefined && count <= d
      ? [
          `${count} samples of ${d} dimensions give a rank-deficient covariance: the distance is right, but its bias is large.`,
        ]
      : [],
  );
  return { distance, warnings };
}
