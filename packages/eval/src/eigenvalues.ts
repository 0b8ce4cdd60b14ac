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
  // A := A - v w^T - w v^T of one step is done in the pass of the next one that multiplies A with its own vector.
  let v = new Float64Array(n);
  const w = new Float64Array(n);
  let next = new Float64Array(n);
  const product = new Float64Array(n);
  // Rows are taken from the last up, so that what remains is always the leading block.
  for (let k = n - 1; k >= 0; k--) {
    let scale = 0;
    for (let i = 0; i <= k; i++) {
      const value =
        (a[k * n + i] as number) - (v[k] as number) * (w[i] as number) - (w[k] as number) * (v[i] as number);
      a[k * n + i] = value;
      if (i < k) scale = Math.max(scale, Math.abs(value));
    }
    diagonal[k] = a[k * n + k] as number;
    next.fill(0);
    let beta = 0;
    if (scale > 0) {
      let norm = 0;
      for (let i = 0; i < k; i++) {
        const value = (a[k * n + i] as number) / scale;
        next[i] = value;
        norm += value * value;
      }
      const head = next[k - 1] as number;
      const root = head > 0 ? -Math.sqrt(norm) : Math.sqrt(norm);
      offDiagonal[k - 1] = scale * root;
      next[k - 1] = head - root;
      beta = 1 / (norm - head * root); // 2 / (next . next)
    }
    updateAndMultiply(a, n, k, v, w, next, product);
    // w = beta A v - (beta^2 v.Av / 2) v
    let inner = 0;
    for (let i = 0; i < k; i++) inner += beta * (product[i] as number) * (next[i] as number);
    const half = (beta * inner) / 2;
    for (let i = 0; i < k; i++) w[i] = beta * (product[i] as number) - half * (next[i] as number);
    [v, next] = [next, v];
  }
  return { diagonal, offDiagonal };
}

/** A := A - v w^T - w v^T, then product = A u, for the leading k rows and columns; the lower triangle of A alone. */
function updateAndMultiply(
  a: Float64Array,
  n: number,
  k: number,
  v: Float64Array,
  w: Float64Array,
  u: Float64Array,
  product: Float64Array,
): void {
  product.fill(0, 0, k);
  // Two rows at a time share what is read of the vectors. The second row of the pair ends one column later.
  for (let i = 0; i < k; i += 2) {
    const pair = i + 1 < k;
    const row = i * n;
    const below = pair ? row + n : row;
    const [v0, w0, u0] = [v[i] as number, w[i] as number, u[i] as number];
    const v1 = pair ? (v[i + 1] as number) : v0;
    const w1 = pair ? (w[i + 1] as number) : w0;
    const u1 = pair ? (u[i + 1] as number) : 0;
    let s0 = 0;
    let s1 = 0;
    if (pair) {
      for (let j = 0; j < i; j++) {
        const vj = v[j] as number;
        const wj = w[j] as number;
        const uj = u[j] as number;
        const x = (a[row + j] as number) - v0 * wj - w0 * vj;
        const y = (a[below + j] as number) - v1 * wj - w1 * vj;
        a[row + j] = x;
        a[below + j] = y;
        s0 += x * uj;
        s1 += y * uj;
        product[j] = (product[j] as number) + x * u0 + y * u1;
      }
    } else {
      for (let j = 0; j < i; j++) {
        const x = (a[row + j] as number) - v0 * (w[j] as number) - w0 * (v[j] as number);
        a[row + j] = x;
        s0 += x * (u[j] as number);
        product[j] = (product[j] as number) + x * u0;
      }
    }
    const corner = (a[row + i] as number) - 2 * v0 * w0;
    a[row + i] = corner;
    product[i] = s0 + corner * u0;
    if (!pair) continue;
    const beside = (a[below + i] as number) - v1 * w0 - w1 * v0;
    const last = (a[below + i + 1] as number) - 2 * v1 * w1;
    a[below + i] = beside;
    a[below + i + 1] = last;
    product[i] = (product[i] as number) + beside * u1;
    product[i + 1] = s1 + beside * u0 + last * u1;
  }
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
