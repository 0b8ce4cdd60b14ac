import { DparError } from '@dpar/tensor';

/**
 * Eigenvalues of a symmetric matrix [n, n], in no order: Householder reduction to tridiagonal form, then implicit QL
 * (Golub and Van Loan, Matrix Computations, 8.3). The lower triangle of `matrix` is overwritten.
 */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, offDiagonal } = tridiagonalise(matrix, n);
  implicitQl(diagonal, offDiagonal);
  return diagonal;
}

/** Diagonal [n] and the entries beside it: `offDiagonal[i]` couples i and i + 1. */
function tridiagonalise(a: Float64Array, n: number): { diagonal: Float64Array; offDiagonal: Float64Array } {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const v = new Float64Array(n);
  const w = new Float64Array(n);
  // Rows are taken from the last up, so that what remains is always the leading block.
  for (let k = n - 1; k > 0; k--) {
    diagonal[k] = a[k * n + k] as number;
    let scale = 0;
    for (let i = 0; i < k; i++) scale = Math.max(scale, Math.abs(a[k * n + i] as number));
    if (scale === 0) continue;
    let norm = 0;
    for (let i = 0; i < k; i++) {
      const value = (a[k * n + i] as number) / scale;
      v[i] = value;
      norm += value * value;
    }
    const head = v[k - 1] as number;
    const root = head > 0 ? -Math.sqrt(norm) : Math.sqrt(norm);
    offDiagonal[k - 1] = scale * root;
    v[k - 1] = head - root;
    const beta = 1 / (norm - head * root); // 2 / (v . v)
    // w = beta A v - (beta^2 v.Av / 2) v, with the lower triangle of A alone
    w.fill(0, 0, k);
    for (let i = 0; i < k; i++) {
      const row = i * n;
      const vi = v[i] as number;
      let [s0, s1] = [0, 0];
      let j = 0;
      for (; j + 2 <= i; j += 2) {
        const [x, y] = [a[row + j] as number, a[row + j + 1] as number];
        s0 += x * (v[j] as number);
        s1 += y * (v[j + 1] as number);
        w[j] = (w[j] as number) + x * vi;
        w[j + 1] = (w[j + 1] as number) + y * vi;
      }
      for (; j < i; j++) {
        const x = a[row + j] as number;
        s0 += x * (v[j] as number);
        w[j] = (w[j] as number) + x * vi;
      }
      w[i] = s0 + s1 + (a[row + i] as number) * vi;
    }
    let inner = 0;
    for (let i = 0; i < k; i++) {
      const value = beta * (w[i] as number);
      w[i] = value;
      inner += value * (v[i] as number);
    }
    const half = (beta * inner) / 2;
    for (let i = 0; i < k; i++) w[i] = (w[i] as number) - half * (v[i] as number);
    // A := A - v w^T - w v^T
    for (let i = 0; i < k; i++) {
      const row = i * n;
      const [vi, wi] = [v[i] as number, w[i] as number];
      for (let j = 0; j <= i; j++) {
        a[row + j] = (a[row + j] as number) - (vi * (w[j] as number) + wi * (v[j] as number));
      }
    }
  }
  if (n > 0) diagonal[0] = a[0] as number;
  return { diagonal, offDiagonal };
}

/** Most QL steps for one eigenvalue; about 2 are usual. */
const maximumSteps = 60;

/** Replaces the diagonal of a symmetric tridiagonal matrix with its eigenvalues, by QL steps with implicit shifts. */
function implicitQl(d: Float64Array, e: Float64Array): void {
  const n = d.length;
  for (let first = 0; first < n; first++) {
    for (let step = 0; ; step++) {
      let last = first; // the block first..last has no negligible coupling
      for (; last < n - 1; last++) {
        const size = Math.abs(d[last] as number) + Math.abs(d[last + 1] as number);
        if (Math.abs(e[last] as number) <= Number.EPSILON * size) break;
      }
      if (last === first) break;
      if (step === maximumSteps) {
        throw new DparError(
          'symmetricEigenvalues: expected QL to converge, got no convergence. Check that the statistics are finite.',
        );
      }
      const [d0, e0] = [d[first] as number, e[first] as number];
      const ratio = ((d[first + 1] as number) - d0) / (2 * e0);
      const radius = Math.hypot(ratio, 1);
      let g = (d[last] as number) - d0 + e0 / (ratio + (ratio >= 0 ? radius : -radius));
      let [sine, cosine, shift] = [1, 1, 0];
      let i = last - 1;
      for (; i >= first; i--) {
        const f = sine * (e[i] as number);
        const b = cosine * (e[i] as number);
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] = (d[i + 1] as number) - shift;
          break;
        }
        sine = f / r;
        cosine = g / r;
        g = (d[i + 1] as number) - shift;
        const t = ((d[i] as number) - g) * sine + 2 * cosine * b;
        shift = sine * t;
        d[i + 1] = g + shift;
        g = cosine * t - b;
      }
      e[last] = 0;
      if (i >= first) continue;
      d[first] = (d[first] as number) - shift;
      e[first] = g;
    }
  }
}
