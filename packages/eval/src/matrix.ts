import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { blockProducts, blockRows, type Rows } from './kernels/products.js';

/** A matrix with row-major data: `data[row * columns + column]`. */
export interface Matrix {
  /** [rows, columns] */
  readonly data: Float64Array | Float32Array;
  readonly rows: number;
  readonly columns: number;
}

export const matrixKinds: KindsOf<Matrix> = {
  data: 'any',
  rows: 'number',
  columns: 'number',
  '*': 'any',
};

/**
 * Checks that the data of a matrix are a typed array of its size and of finite numbers.
 *
 * @param caller Name of the function, for error messages.
 * @throws DparError if they are not, or there are fewer than `minimumRows` rows.
 */
export function checkMatrix(caller: string, { data, rows, columns }: Matrix, minimumRows: number): void {
  if (!(data instanceof Float64Array || data instanceof Float32Array) || data.length !== rows * columns) {
    throw new DparError(
      `${caller}: expected features { data, rows, columns } with 'data' a Float64Array or Float32Array of rows * columns, ` +
        `got [${rows}, ${columns}] with ${data?.length ?? 'no'} numbers. Pass data and sizes that match.`,
    );
  }
  if (!(rows >= minimumRows && columns >= 1)) {
    throw new DparError(
      `${caller}: expected at least ${minimumRows} rows of features, got [${rows}, ${columns}]. Pass more samples.`,
    );
  }
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      throw new DparError(
        `${caller}: expected finite features, got ${data[i]} in row ${Math.floor(i / columns)}. Compute that row again.`,
      );
    }
  }
}

/** @throws DparError if two sets have features of different lengths. */
export function checkColumns(caller: string, a: number, b: number): void {
  if (a !== b) {
    throw new DparError(
      `${caller}: expected features of equal length, got ${a} and ${b}. Use one feature network for both sets.`,
    );
  }
}

/** Dot product of two rows. */
export function dot(
  a: ArrayLike<number>,
  aStart: number,
  b: ArrayLike<number>,
  bStart: number,
  length: number,
): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (a[aStart + i] as number) * (b[bStart + i] as number);
  return sum;
}

/** View of consecutive rows. */
export function rowsOf({ data, rows, columns }: Matrix, first: number, count: number): Matrix {
  const end = Math.min(rows, first + count);
  return { data: data.subarray(first * columns, end * columns), rows: end - first, columns };
}

/** Rows in float64, copied only if they are float32. */
function inDouble(matrix: Matrix): Rows {
  const { data, rows } = matrix;
  return { data: data instanceof Float64Array ? data : Float64Array.from(data), rows };
}

/**
 * Products of the rows of `a` [n, d] with the rows of `b` [m, d]: [n, m] in float64.
 *
 * @param symmetric Computes only the part at and below the diagonal, and copies it.
 */
export function rowProducts(a: Matrix, b: Matrix, symmetric = false): Float64Array {
  const m = b.rows;
  const out = new Float64Array(a.rows * m);
  addRowProducts(out, a, b, symmetric);
  if (symmetric) {
    for (let i = 0; i < m; i++) for (let j = 0; j < i; j++) out[j * m + i] = out[i * m + j] as number;
  }
  return out;
}

/**
 * Adds products of the rows of `a` [n, d] with the rows of `b` [m, d] to numbers [n, m].
 *
 * @param lower Adds the part at and below the diagonal. The rest is then unspecified.
 */
export function addRowProducts(out: Float64Array, a: Matrix, b: Matrix, lower = false): void {
  const m = b.rows;
  for (let i = 0; i < a.rows; i += blockRows) {
    const left = inDouble(rowsOf(a, i, blockRows));
    for (let j = 0; j < (lower ? i + 1 : m); j += blockRows) {
      const right = inDouble(rowsOf(b, j, blockRows));
      const products = blockProducts(left, right, a.columns, lower && i === j);
      for (let r = 0; r < left.rows; r++) {
        const [from, to] = [r * right.rows, (i + r) * m + j];
        for (let c = 0; c < right.rows; c++) out[to + c] = (out[to + c] as number) + (products[from + c] as number);
      }
    }
  }
}

/** Rows per piece. */
const pieceRows = 1024;

/** Copies rows in a given order, in pieces. A row may occur several times. */
export function* rowsAt({ data, columns }: Matrix, rows: ArrayLike<number>): Generator<Matrix> {
  for (let first = 0; first < rows.length; first += pieceRows) {
    const count = Math.min(pieceRows, rows.length - first);
    const piece = new (data instanceof Float32Array ? Float32Array : Float64Array)(count * columns);
    for (let r = 0; r < count; r++) {
      const row = rows[first + r] as number;
      piece.set(data.subarray(row * columns, (row + 1) * columns), r * columns);
    }
    yield { data: piece, rows: count, columns };
  }
}
