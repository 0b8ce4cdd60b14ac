import { DparError } from '@dpar/tensor';
import { type Factor, pivotedCholesky } from './cholesky.js';
import { symmetricEigenvalues } from './eigenvalues.js';
import type { FeatureStatistics } from './statistics.js';

// The limits are shares of the largest entry of a covariance.

/** Rounding noise of a covariance that was computed or stored in float32. */
const singleNoise = 1e-6;

/** Largest asymmetry that float32 or half precision can cause. */
const asymmetryLimit = 1e-4;

/** Largest error of a factor that float32 arithmetic can cause. */
const indefiniteLimit = 1e-4;

/**
 * Checks that statistics are a mean [D] and a symmetric covariance [D, D] of finite numbers. {@link covarianceFactor} checks
 * that the covariance is positive semidefinite.
 * @throws DparError that names the wrong entry.
 */
export function checkStatistics(caller: string, { mean, covariance }: FeatureStatistics): void {
  if (mean === undefined || covariance === undefined) {
    throw new DparError(`${caller}: expected statistics, got none. Compute them with featureStatistics.`);
  }
  if (!isTyped(mean) || !isTyped(covariance)) {
    throw new DparError(
      `${caller}: expected a mean and a covariance as Float64Array, got ${typeName(mean)} and ${typeName(covariance)}. ` +
        'Convert both with Float64Array.from(values.flat()).',
    );
  }
  const d = mean.length;
  if (d === 0 || covariance.length !== d * d) {
    throw new DparError(
      `${caller}: expected a mean [D] and a covariance [D, D], got ${d} and ${covariance.length} numbers. ` +
        'Pass both of one file, the covariance with all its entries.',
    );
  }
  checkFinite(caller, mean, (place) => `[${place}] of the mean`);
  checkFinite(caller, covariance, (place) => `[${Math.floor(place / d)}, ${place % d}] of the covariance`);
  checkSymmetric(caller, covariance, d);
}

function isTyped(values: unknown): boolean {
  return values instanceof Float64Array || values instanceof Float32Array;
}

function typeName(values: unknown): string {
  return Object.prototype.toString.call(values).slice('[object '.length, -1);
}

/** @throws DparError if an entry is not finite. */
function checkFinite(caller: string, values: Float64Array, nameOf: (place: number) => string): void {
  const place = values.findIndex((value) => !Number.isFinite(value));
  if (place < 0) return;
  throw new DparError(
    `${caller}: expected finite statistics, got ${values[place]} at ${nameOf(place)}. Compute them from finite features.`,
  );
}

/** @throws DparError if an entry differs from the one across the diagonal. */
function checkSymmetric(caller: string, covariance: Float64Array, d: number): void {
  const scale = largestMagnitude(covariance);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) {
      const [value, across] = [covariance[i * d + j] as number, covariance[j * d + i] as number];
      if (Math.abs(value - across) <= asymmetryLimit * scale) continue;
      throw new DparError(
        `${caller}: expected a symmetric covariance, got ${value} at [${i}, ${j}] and ${across} at [${j}, ${i}]. ` +
          'Pass the covariance of the features, such as numpy.cov(features, rowvar=False).',
      );
    }
  }
}

function largestMagnitude(values: Float64Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

/**
 * Factor L of a covariance S = L L^T, up to the rounding noise of float64 or, if the error is larger, of float32.
 * @param which End of the error message that names one of several covariances.
 * @throws DparError if S is not positive semidefinite.
 */
export function covarianceFactor(caller: string, covariance: Float64Array, d: number, which = ''): Factor {
  const scale = largestMagnitude(covariance);
  const precise = pivotedCholesky(covariance, d);
  if (precise.residual <= singleNoise * scale) return precise;
  // Pivots that are noise would amplify it.
  const rounded = pivotedCholesky(covariance, d, singleNoise);
  if (rounded.residual <= indefiniteLimit * scale) return rounded;
  const least = symmetricEigenvalues(covariance, d).reduce((a, b) => Math.min(a, b));
  throw new DparError(
    `${caller}: expected a positive semidefinite covariance, got one with the eigenvalue ${Number(least.toPrecision(6))}${which}. ` +
      'Pass the covariance of the features, such as numpy.cov(features, rowvar=False).',
  );
}
