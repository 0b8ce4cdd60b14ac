import { openWorkspace, type Vector } from './kernels/symmetric.js';
import { rowProducts } from './matrix.js';

/** A matrix L [n, rank] with S = L L^T, stored by columns: column j is `data[j * n ...]`. Its rows are not in pivot order. */
export interface Factor {
  readonly data: Float64Array;
  readonly rank: number;
}

/** A {@link Factor} of a matrix with its error. */
export interface PivotedFactor extends Factor {
  /** Largest magnitude in S - L L^T: rounding noise if S is positive semidefinite. */
  readonly residual: number;
}

/**
 * Cholesky factor with diagonal pivoting of a positive semidefinite matrix S [n, n]. It stops when the remaining diagonal is
 * rounding noise, so its rank is that of S.
 *
 * @param noise Rounding noise as a share of the largest diagonal entry. Default: n eps, as in LAPACK's `dpstrf`.
 */
export function pivotedCholesky(matrix: Float64Array, n: number, noise = n * Number.EPSILON): PivotedFactor {
  const rest = Float64Array.from({ length: n }, (_, i) => matrix[i * n + i] as number); // diagonal of S - L L^T
  const tolerance = noise * rest.reduce((a, b) => Math.max(a, b), 0);
  const { run, stride, matrix: rows, vectors } = openWorkspace(n, 2, 'pivotedCholesky'); // L, row i at i * stride
  const [dots, flags] = vectors as [Vector, Vector];
  const done = new Uint8Array(flags.data.buffer, flags.address, n);
  let rank = 0;
  for (; rank < n; rank++) {
    let pivot = -1;
    for (let i = 0; i < n; i++) {
      if (done[i] === 0 && (pivot < 0 || (rest[i] as number) > (rest[pivot] as number))) pivot = i;
    }
    if (!((rest[pivot] as number) > tolerance)) break;
    const root = Math.sqrt(rest[pivot] as number);
    done[pivot] = 1;
    // Rows are zero from `rank` on, so the length can be rounded up.
    run.rowDots(0, 8 * stride, n, pivot, 64 * Math.ceil(rank / 8), flags.address, dots.address);
    rows[pivot * stride + rank] = root;
    for (let i = 0; i < n; i++) {
      if (done[i] === 1) continue;
      const value = ((matrix[pivot * n + i] as number) - (dots.data[i] as number)) / root;
      rows[i * stride + rank] = value;
      rest[i] = (rest[i] as number) - value * value;
    }
  }
  const data = new Float64Array(rank * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < rank; j++) data[j * n + i] = rows[i * stride + j] as number;
  const left = Int32Array.from({ length: n }, (_, i) => i).filter((i) => done[i] === 0);
  return { data, rank, residual: largestResidual(matrix, n, { data, rank }, left) };
}

/** Largest magnitude of S - L L^T in the rows and columns that were not pivots. In the others it is 0. */
function largestResidual(matrix: Float64Array, n: number, { data, rank }: Factor, left: Int32Array): number {
  const rows = left.length;
  const part = Float64Array.from({ length: rows * rank }, (_, at) => {
    return data[(at % rank) * n + (left[Math.floor(at / rank)] as number)] as number;
  });
  const factor = { data: part, rows, columns: rank };
  const products = rank === 0 ? new Float64Array(rows * rows) : rowProducts(factor, factor, true);
  let largest = 0;
  for (const [a, i] of left.entries()) {
    for (const [b, j] of left.entries()) {
      largest = Math.max(largest, Math.abs((matrix[i * n + j] as number) - (products[a * rows + b] as number)));
    }
  }
  return largest;
}
