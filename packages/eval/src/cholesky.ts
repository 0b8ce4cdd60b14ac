import { openWorkspace, type Vector } from './kernels/symmetric.js';

/** A matrix L [n, rank] with S = L L^T, by columns: column j is `data[j * n ...]`, zero above its pivot only in pivot order. */
export interface Factor {
  readonly data: Float64Array;
  readonly rank: number;
}

/**
 * Cholesky factor with diagonal pivoting of a positive semidefinite matrix S [n, n]. It stops where the rest of the diagonal
 * is rounding noise (n eps times the largest entry, as LAPACK's `dpstrf`), so that its rank is that of S.
 */
export function pivotedCholesky(matrix: Float64Array, n: number): Factor {
  const rest = Float64Array.from({ length: n }, (_, i) => matrix[i * n + i] as number); // diagonal of S - L L^T
  const tolerance = n * Number.EPSILON * rest.reduce((a, b) => Math.max(a, b), 0);
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
    // Rows are zero from `rank` on, so that the length can be rounded up.
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
  return { data, rank };
}
