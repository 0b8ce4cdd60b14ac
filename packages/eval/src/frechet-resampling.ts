import type { Factor } from './cholesky.js';
import { covarianceFactor } from './covariance.js';
import { distanceOf, sumOfRoots, trace } from './frechet.js';
import type { Job } from './jobs.js';
import { type Matrix, rowProducts, rowsAt, rowsOf } from './matrix.js';
import { type FeatureStatistics, StatisticsAccumulator } from './statistics.js';

/** A distance in two steps: a job that computes eigenvalues, and the distance from them. */
export interface Resample {
  readonly job: Job;
  finish(eigenvalues: Float64Array): number;
}

/** Makes the job of a selection of sample rows; a row counts as often as it is listed. */
type JobOf = (rows: Int32Array) => Job;

/** Rows projected at a time. */
const pieceRows = 1024;

/**
 * Prepares Fréchet distances between a reference and selections of N of N samples with replacement.
 *
 * Let L L^T be the reference's covariance, m its mean, and y = L^T (x - m). The distance needs the eigenvalues of the
 * covariance of y. Those other than 0 are also the eigenvalues of the Gram matrix of the centred y. It is computed once, and a
 * row that occurs w times is scaled by sqrt(w).
 */
export function prepareResampling(reference: FeatureStatistics, samples: Matrix): (rows: Int32Array) => Resample {
  const { data, rows: n, columns: d } = samples;
  const { mean } = reference;
  const factor = covarianceFactor('frechetInterval', reference.covariance, d);
  const referenceTrace = trace(reference.covariance, d);
  // A resample has about 0.63 n distinct rows. Up to this size the Gram matrix is less work than a covariance.
  const few = n <= 2 * factor.rank;
  const jobOf = (few ? jobsOfProducts : jobsOfCovariances)(project(reference, factor, samples, few));
  return (rows) => {
    const sum = new Float64Array(d); // of the differences from the reference's mean
    let squares = 0;
    for (const row of rows) {
      for (let c = 0; c < d; c++) {
        const difference = (data[row * d + c] as number) - (mean[c] as number);
        sum[c] = (sum[c] as number) + difference;
        squares += difference * difference;
      }
    }
    const ofMeans = sum.reduce((total, value) => total + (value / n) ** 2, 0);
    const ownTrace = (squares - n * ofMeans) / (n - 1);
    return {
      job: jobOf(rows),
      finish: (eigenvalues) => distanceOf(ofMeans + referenceTrace + ownTrace, sumOfRoots(eigenvalues)),
    };
  };
}

/** Projects all samples: L^T (x - m), [N, rank], in float64 or float32. */
function project({ mean }: FeatureStatistics, { data, rank }: Factor, samples: Matrix, double: boolean): Matrix {
  const { rows, columns } = samples;
  const all = new (double ? Float64Array : Float32Array)(rows * rank);
  for (let first = 0; first < rows; first += pieceRows) {
    const piece = rowsOf(samples, first, pieceRows);
    const centred = Float64Array.from(piece.data);
    for (let r = 0; r < piece.rows; r++) {
      for (let c = 0; c < columns; c++) {
        centred[r * columns + c] = (centred[r * columns + c] as number) - (mean[c] as number);
      }
    }
    const projected = rowProducts({ ...piece, data: centred }, { data, rows: rank, columns });
    all.set(projected, first * rank);
  }
  return { data: all, rows, columns: rank };
}

function jobsOfCovariances(projected: Matrix): JobOf {
  return (rows) => {
    const accumulator = new StatisticsAccumulator(projected.columns);
    for (const piece of rowsAt(projected, rows)) accumulator.add(piece);
    return { kind: 'eigenvalues', matrix: accumulator.finish().covariance, size: projected.columns };
  };
}

function jobsOfProducts(projected: Matrix): JobOf {
  const n = projected.rows;
  const products = rowProducts(projected, projected, true);
  return (rows) => {
    const weights = new Float64Array(n);
    for (const row of rows) weights[row] = (weights[row] as number) + 1;
    const different = Int32Array.from({ length: n }, (_, i) => i).filter((i) => (weights[i] as number) > 0);
    // Products of each row with the weighted mean of all rows, and of the mean with itself.
    const withMean = Float64Array.from(different, (i) => {
      let sum = 0;
      for (const j of different) sum += (weights[j] as number) * (products[i * n + j] as number);
      return sum / n;
    });
    const ofMean = different.reduce((sum, i, at) => sum + ((weights[i] as number) * (withMean[at] as number)) / n, 0);
    const size = different.length;
    const matrix = new Float64Array(size * size);
    for (const [a, i] of different.entries()) {
      for (let b = 0; b <= a; b++) {
        const j = different[b] as number;
        const centred = (products[i * n + j] as number) - (withMean[a] as number) - (withMean[b] as number) + ofMean;
        const value = (Math.sqrt((weights[i] as number) * (weights[j] as number)) * centred) / (n - 1);
        matrix[a * size + b] = value;
        matrix[b * size + a] = value;
      }
    }
    return { kind: 'eigenvalues', matrix, size };
  };
}
