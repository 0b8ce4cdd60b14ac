import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { addRowProducts, checkMatrix, type Matrix, matrixKinds } from './matrix.js';

/** A Gaussian's parameters, estimated from features of D numbers. */
export interface FeatureStatistics {
  /** [D] */
  readonly mean: Float64Array;
  /** [D, D], unbiased: divided by the number of samples less 1. */
  readonly covariance: Float64Array;
  /** Samples that they are of; undefined where a file of statistics does not say. */
  readonly count?: number;
}

/** Kinds of {@link FeatureStatistics}. */
export const featureStatisticsKinds: KindsOf<FeatureStatistics> = {
  mean: 'any',
  covariance: 'any',
  'count?': 'number',
  '*': 'any',
};

/** Rows that are multiplied at a time. */
const batchRows = 1024;

/** Rows that are transposed at a time: as many float64 numbers as a cache line has. */
const lineRows = 8;

/**
 * Mean and covariance of features that arrive in pieces, in float64. Memory: D x D numbers, and a batch of 1024 rows. Sums
 * are of differences from the first row, so that a large mean costs no digits.
 */
export class StatisticsAccumulator {
  readonly #shift: Float64Array;
  readonly #sum: Float64Array;
  readonly #products: Float64Array;
  #count = 0;

  /** @param columns Length of a feature vector, D. */
  constructor(readonly columns: number) {
    checkArguments('StatisticsAccumulator', { columns }, { columns: 'number' });

    this.#shift = new Float64Array(columns);
    this.#sum = new Float64Array(columns);
    this.#products = new Float64Array(columns * columns);
  }

  /**
   * Adds features [n, D].
   * @throws DparError if they have another length or are not finite.
   */
  add(features: Matrix): void {
    checkArguments('StatisticsAccumulator.add', { features }, { features: matrixKinds });

    const d = this.columns;
    checkMatrix('StatisticsAccumulator', features, 0);
    if (features.columns !== d) {
      throw new DparError(`StatisticsAccumulator: expected rows of ${d}, got ${features.columns}. Use one network.`);
    }
    if (this.#count === 0 && features.rows > 0) this.#shift.set(features.data.subarray(0, d));
    for (let first = 0; first < features.rows; first += batchRows) {
      const rows = Math.min(batchRows, features.rows - first);
      const matrix = { data: this.#centre(features, first, rows), rows: d, columns: rows };
      addRowProducts(this.#products, matrix, matrix, true);
      this.#count += rows;
    }
  }

  /** Differences of some rows from the first one ever, transposed: [D, rows]. Adds them to the sums. */
  #centre({ data }: Matrix, first: number, rows: number): Float64Array {
    const d = this.columns;
    const [shift, sum] = [this.#shift, this.#sum];
    const centred = new Float64Array(d * rows);
    for (let line = 0; line < rows; line += lineRows) {
      const end = Math.min(rows, line + lineRows);
      for (let c = 0; c < d; c++) {
        const shiftOfColumn = shift[c] as number;
        let total = 0;
        for (let r = line; r < end; r++) {
          const value = (data[(first + r) * d + c] as number) - shiftOfColumn;
          centred[c * rows + r] = value;
          total += value;
        }
        sum[c] = (sum[c] as number) + total;
      }
    }
    return centred;
  }

  /** The statistics so far. @throws DparError of fewer than 2 samples. */
  finish(): FeatureStatistics {
    const [d, n] = [this.columns, this.#count];
    if (n < 2) throw new DparError(`StatisticsAccumulator: expected at least 2 samples, got ${n}. Add more features.`);
    const offset = this.#sum.map((value) => value / n);
    const covariance = new Float64Array(d * d);
    for (let i = 0; i < d; i++) {
      const scale = n * (offset[i] as number);
      for (let j = 0; j <= i; j++) {
        const value = ((this.#products[i * d + j] as number) - scale * (offset[j] as number)) / (n - 1);
        covariance[i * d + j] = value;
        covariance[j * d + i] = value;
      }
    }
    return { mean: this.#shift.map((value, i) => value + (offset[i] as number)), covariance, count: n };
  }
}

/**
 * Mean and covariance of features [n, D] in memory; see {@link StatisticsAccumulator}.
 *
 * @throws DparError for fewer than two rows, another number of columns, or a value that is not finite.
 */
export function featureStatistics(features: Matrix): FeatureStatistics {
  checkArguments('featureStatistics', { features }, { features: matrixKinds });

  checkMatrix('featureStatistics', features, 2);
  const accumulator = new StatisticsAccumulator(features.columns);
  accumulator.add(features);
  return accumulator.finish();
}
