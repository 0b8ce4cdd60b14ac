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
  const rows = new Float64Array(n * n); // L [n, rank], row i at i * n
  const done = new Uint8Array(n);
  let rank = 0;
  for (; rank < n; rank++) {
    let pivot = -1;
    for (let i = 0; i < n; i++) {
      if (done[i] === 0 && (pivot < 0 || (rest[i] as number) > (rest[pivot] as number))) pivot = i;
    }
    if (!((rest[pivot] as number) > tolerance)) break;
    const root = Math.sqrt(rest[pivot] as number);
    done[pivot] = 1;
    rows[pivot * n + rank] = root;
    for (let i = 0; i < n; i++) {
      if (done[i] === 1) continue;
      const [a, b, end] = [i * n, pivot * n, rank];
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      let c = 0;
      for (; c + 4 <= end; c += 4) {
        s0 += (rows[a + c] as number) * (rows[b + c] as number);
        s1 += (rows[a + c + 1] as number) * (rows[b + c + 1] as number);
        s2 += (rows[a + c + 2] as number) * (rows[b + c + 2] as number);
        s3 += (rows[a + c + 3] as number) * (rows[b + c + 3] as number);
      }
      for (; c < end; c++) s0 += (rows[a + c] as number) * (rows[b + c] as number);
      const value = ((matrix[i * n + pivot] as number) - (s0 + s1 + s2 + s3)) / root;
      rows[i * n + rank] = value;
      rest[i] = (rest[i] as number) - value * value;
    }
  }
  const data = new Float64Array(rank * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < rank; j++) data[j * n + i] = rows[i * n + j] as number;
  return { data, rank };
}
