import { DparError } from '@dpar/tensor';
import { checkMatrix, type Matrix, rowProducts } from './matrix.js';

/** A Gaussian's parameters, estimated from features of D numbers. */
export interface FeatureStatistics {
  /** [D] */
  readonly mean: Float64Array;
  /** [D, D], unbiased: divided by the number of samples less 1. */
  readonly covariance: Float64Array;
  /** Samples that they are of; undefined where a file of statistics does not say. */
  readonly count?: number;
}

/** Rows that are multiplied at a time. */
const batchRows = 256;

/**
 * Mean and covariance of features that arrive in pieces, in float64. Memory: D x D numbers, and a batch. Sums are of
 * differences from the first row, so that a large mean costs no digits.
 */
export class StatisticsAccumulator {
  readonly #shift: Float64Array;
  readonly #sum: Float64Array;
  readonly #products: Float64Array;
  #count = 0;

  /** @param columns Length of a feature vector, D. */
  constructor(readonly columns: number) {
    this.#shift = new Float64Array(columns);
    this.#sum = new Float64Array(columns);
    this.#products = new Float64Array(columns * columns);
  }

  /**
   * Adds features [n, D].
   * @throws DparError if they have another length or are not finite.
   */
  add(features: Matrix): void {
    const d = this.columns;
    if (features.columns !== d) {
      throw new DparError(`StatisticsAccumulator: expected rows of ${d}, got ${features.columns}. Use one network.`);
    }
    checkMatrix('StatisticsAccumulator', features, 0);
    if (this.#count === 0 && features.rows > 0) this.#shift.set(features.data.subarray(0, d));
    for (let first = 0; first < features.rows; first += batchRows) {
      const rows = Math.min(batchRows, features.rows - first);
      const centred = new Float64Array(d * rows); // [D, rows]
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < d; c++) {
          const value = (features.data[(first + r) * d + c] as number) - (this.#shift[c] as number);
          centred[c * rows + r] = value;
          this.#sum[c] = (this.#sum[c] as number) + value;
        }
      }
      const matrix = { data: centred, rows: d, columns: rows };
      const products = rowProducts(matrix, matrix, true);
      for (let i = 0; i < products.length; i++) {
        this.#products[i] = (this.#products[i] as number) + (products[i] as number);
      }
      this.#count += rows;
    }
  }

  /** The statistics so far. @throws DparError of fewer than 2 samples. */
  finish(): FeatureStatistics {
    const [d, n] = [this.columns, this.#count];
    if (n < 2) throw new DparError(`StatisticsAccumulator: expected at least 2 samples, got ${n}. Add more features.`);
    const offset = this.#sum.map((value) => value / n);
    const covariance = new Float64Array(d * d);
    for (let i = 0; i < d; i++) {
      const scale = n * (offset[i] as number);
      for (let j = 0; j < d; j++) {
        covariance[i * d + j] = ((this.#products[i * d + j] as number) - scale * (offset[j] as number)) / (n - 1);
      }
    }
    return { mean: this.#shift.map((value, i) => value + (offset[i] as number)), covariance, count: n };
  }
}

/** Mean and covariance of features [n, D] in memory; see {@link StatisticsAccumulator}. */
export function featureStatistics(features: Matrix): FeatureStatistics {
  const accumulator = new StatisticsAccumulator(features.columns);
  accumulator.add(features);
  return accumulator.finish();
}
