import type { Factor } from './cholesky.js';
import { covarianceFactor } from './covariance.js';
import { distanceOf, sumOfRoots, trace } from './frechet.js';
import type { Job } from './jobs.js';
import { type Matrix, rowProducts, rowsAt, rowsOf } from './matrix.js';
import { type FeatureStatistics, StatisticsAccumulator } from './statistics.js';

/** A distance in two steps: the eigenvalues that it takes, and what is made of them. */
export interface Resample {
  readonly job: Job;
  finish(eigenvalues: Float64Array): number;
}

/** The job of some rows of the samples, each as often as it is listed. */
type JobOf = (rows: Int32Array) => Job;

/** Rows that are projected at a time. */
const pieceRows = 1024;

/**
 * Prepares Fréchet distances between a reference and selections of samples, N of N with repetition.
 *
 * With the reference's covariance L L^T and mean m, and y = L^T (x - m), the eigenvalues are those of the covariance of y.
 * Those that are not 0 are also those of the products of all centred y with one another, which are known beforehand: a
 * row that is there w times counts with sqrt(w).
 */
export function prepareResampling(reference: FeatureStatistics, samples: Matrix): (rows: Int32Array) => Resample {
  const { data, rows: n, columns: d } = samples;
  const { mean } = reference;
  const factor = covarianceFactor('frechetInterval', reference.covariance, d);
  const referenceTrace = trace(reference.covariance, d);
  // A resample has about 0.63 n different rows. To be a little larger is less work than to compute a covariance.
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

/** L^T (x - m) of all samples, in float64 or float32: [N, rank]. */
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
    // Products with the weighted mean of all rows, and of that with itself.
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
