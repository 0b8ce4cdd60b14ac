import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { addRowProducts, checkMatrix, type Matrix, matrixKinds } from './matrix.js';

/** Parameters of a Gaussian, estimated from features of D numbers. */
export interface FeatureStatistics {
  /** [D] */
  readonly mean: Float64Array;
  /** [D, D], unbiased: divided by the number of samples minus 1. */
  readonly covariance: Float64Array;
  /** Number of samples. Undefined if a file of statistics does not contain it. */
  readonly count?: number;
}

export const featureStatisticsKinds: KindsOf<FeatureStatistics> = {
  mean: 'any',
  covariance: 'any',
  'count?': 'number',
  '*': 'any',
};

/** Rows multiplied at a time. */
const blockRows = 1024;

/** Rows transposed at a time: as many float64 numbers as a cache line holds. */
const lineRows = 8;

/**
 * Accumulates mean and covariance of features that arrive in pieces, in float64. The same rows give the same bits, however
 * they are divided into pieces. Sums are of differences from the first row, so a large mean costs no precision. Memory:
 * D x D numbers and a block of 1024 rows.
 */
export class StatisticsAccumulator {
  readonly #shift: Float64Array;
  readonly #sum: Float64Array;
  readonly #products: Float64Array;
  #count = 0;
  /** Rows that do not fill a block yet, and their number. */
  #waiting: Float64Array | undefined;
  #waitingRows = 0;

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
    const { data, rows, columns } = features;
    checkMatrix('StatisticsAccumulator', features, 0);
    if (columns !== this.columns) {
      throw new DparError(`StatisticsAccumulator: expected rows of ${this.columns}, got ${columns}. Use one network.`);
    }
    if (this.#count + this.#waitingRows === 0 && rows > 0) this.#shift.set(data.subarray(0, columns));
    for (let first = 0; first < rows; ) {
      const taken = Math.min(rows - first, blockRows - this.#waitingRows);
      const piece = data.subarray(first * columns, (first + taken) * columns);
      first += taken;
      if (taken === blockRows) {
        this.#addBlock(piece, blockRows);
        continue;
      }
      this.#waiting ??= new Float64Array(blockRows * columns);
      this.#waiting.set(piece, this.#waitingRows * columns);
      this.#waitingRows += taken;
      if (this.#waitingRows === blockRows) this.#flush();
    }
  }

  #flush(): void {
    if (this.#waiting !== undefined && this.#waitingRows > 0) this.#addBlock(this.#waiting, this.#waitingRows);
    this.#waitingRows = 0;
  }

  #addBlock(data: Matrix['data'], rows: number): void {
    const matrix = { data: this.#centre(data, rows), rows: this.columns, columns: rows };
    addRowProducts(this.#products, matrix, matrix, true);
    this.#count += rows;
  }

  /** Subtracts the first row of all from some rows, and adds the differences to the sums. @returns [D, rows], transposed. */
  #centre(data: Matrix['data'], rows: number): Float64Array {
    const d = this.columns;
    const [shift, sum] = [this.#shift, this.#sum];
    const centred = new Float64Array(d * rows);
    for (let line = 0; line < rows; line += lineRows) {
      const end = Math.min(rows, line + lineRows);
      for (let c = 0; c < d; c++) {
        const shiftOfColumn = shift[c] as number;
        let total = 0;
        for (let r = line; r < end; r++) {
          const value = (data[r * d + c] as number) - shiftOfColumn;
          centred[c * rows + r] = value;
          total += value;
        }
        sum[c] = (sum[c] as number) + total;
      }
    }
    return centred;
  }

  /** Statistics of all rows so far. @throws DparError for fewer than 2 samples. */
  finish(): FeatureStatistics {
    this.#flush();
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
 * @throws DparError for fewer than two rows or a value that is not finite.
 */
export function featureStatistics(features: Matrix): FeatureStatistics {
  checkArguments('featureStatistics', { features }, { features: matrixKinds });
  checkMatrix('featureStatistics', features, 2);
  const accumulator = new StatisticsAccumulator(features.columns);
  accumulator.add(features);
  return accumulator.finish();
}

type Numbers = Iterable<number> & { readonly length: number };

/** Mean of some numbers. */
export function mean(values: Numbers): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Unbiased variance of some numbers. */
export function variance(values: Numbers): number {
  const centre = mean(values);
  let sum = 0;
  for (const value of values) sum += (value - centre) ** 2;
  return sum / (values.length - 1);
}
