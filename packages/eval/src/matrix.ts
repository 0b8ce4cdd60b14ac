import { DparError } from '@dpar/tensor';

/** Rows of numbers: `data[row * columns + column]`. */
export interface Matrix {
  readonly data: Float64Array | Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/**
 * Checks that a matrix is as large as it says and holds finite numbers.
 *
 * @param caller Name for the message.
 * @throws DparError if it is not, or has fewer than `minimumRows` rows.
 */
export function checkMatrix(caller: string, { data, rows, columns }: Matrix, minimumRows: number): void {
  if (!(rows >= minimumRows && columns >= 1 && data.length === rows * columns)) {
    throw new DparError(
      `${caller}: expected at least ${minimumRows} rows of features, got [${rows}, ${columns}] with ${data.length} numbers. ` +
        'Pass more samples.',
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

/** Checks that two sets have features of one length. @throws DparError if not. */
export function checkColumns(caller: string, a: number, b: number): void {
  if (a !== b) {
    throw new DparError(
      `${caller}: expected features of one length, got ${a} and ${b}. Use one feature network for both sets.`,
    );
  }
}

/** Dot products of four rows of `a` with four rows of `b`, all of `length` numbers, from the offsets: [4, 4] into `out`. */
export function dot4x4(
  out: Float64Array,
  a: ArrayLike<number>,
  aStart: number,
  aStride: number,
  b: ArrayLike<number>,
  bStart: number,
  bStride: number,
  length: number,
): void {
  const x = a as Float64Array;
  const y = b as Float64Array;
  for (let i = 0; i < 4; i += 2) {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
    let p = aStart + i * aStride;
    let q = bStart;
    const end = p + length;
    for (; p < end; p++, q++) {
      const u = x[p] as number;
      const v = x[p + aStride] as number;
      const w0 = y[q] as number;
      const w1 = y[q + bStride] as number;
      const w2 = y[q + 2 * bStride] as number;
      const w3 = y[q + 3 * bStride] as number;
      s0 += u * w0;
      s1 += u * w1;
      s2 += u * w2;
      s3 += u * w3;
      s4 += v * w0;
      s5 += v * w1;
      s6 += v * w2;
      s7 += v * w3;
    }
    const at = 4 * i;
    out[at] = s0;
    out[at + 1] = s1;
    out[at + 2] = s2;
    out[at + 3] = s3;
    out[at + 4] = s4;
    out[at + 5] = s5;
    out[at + 6] = s6;
    out[at + 7] = s7;
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

/**
 * Products of the rows of `a` [n, d] with the rows of `b` [m, d]: [n, m] in float64.
 *
 * @param symmetric Computes the part at and below the diagonal only, and copies it.
 */
export function rowProducts(a: Matrix, b: Matrix, symmetric = false): Float64Array {
  const [n, m, d] = [a.rows, b.rows, a.columns];
  const out = new Float64Array(n * m);
  const tile = new Float64Array(16);
  const block = 64; // rows of b that stay in the cache
  for (let jBlock = 0; jBlock < m; jBlock += block) {
    const jEnd = Math.min(m, jBlock + block);
    for (let i = symmetric ? jBlock - (jBlock % 4) : 0; i < n; i += 4) {
      for (let j = jBlock; j < jEnd; j += 4) {
        if (symmetric && j > i + 3) break;
        if (i + 4 <= n && j + 4 <= m) {
          dot4x4(tile, a.data, i * d, d, b.data, j * d, d, d);
          for (let s = 0; s < 16; s++) out[(i + (s >> 2)) * m + j + (s & 3)] = tile[s] as number;
          continue;
        }
        for (let r = i; r < Math.min(n, i + 4); r++) {
          for (let c = j; c < Math.min(m, j + 4); c++) {
            out[r * m + c] = dot(a.data, r * d, b.data, c * d, d);
          }
        }
      }
    }
  }
  if (symmetric) {
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[j * m + i] = out[i * m + j] as number;
  }
  return out;
}
