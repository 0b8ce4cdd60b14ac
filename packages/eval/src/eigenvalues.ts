import { DparError } from '@dpar/tensor';
import { openWorkspace, type Vector } from './kernels/symmetric.js';

/**
 * Eigenvalues of a symmetric matrix [n, n], unordered: Householder reduction to tridiagonal form, then implicit QL
 * (Golub and Van Loan, Matrix Computations, 8.3). Only the lower triangle is read.
 */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, offDiagonal } = tridiagonalise(matrix, n);
  implicitQl(diagonal, offDiagonal);
  return diagonal;
}

/** Reduces a matrix to its diagonal [n] and the entries next to it: `offDiagonal[i]` couples i and i + 1. */
function tridiagonalise(matrix: Float64Array, n: number): { diagonal: Float64Array; offDiagonal: Float64Array } {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const { run, stride, matrix: a, vectors } = openWorkspace(n, 4, 'symmetricEigenvalues');
  for (let i = 0; i < n; i++) a.set(matrix.subarray(i * n, i * n + i + 1), i * stride);
  // One pass applies a step's update A := A - v w^T - w v^T and multiplies A with the next step's vector.
  let [v, w, next, product] = vectors as [Vector, Vector, Vector, Vector];
  // From the last row up, so the rest is always the leading block.
  for (let k = n - 1; k >= 0; k--) {
    let scale = 0;
    const [lastV, lastW] = [v.data[k] as number, w.data[k] as number];
    const row = a.subarray(k * stride, k * stride + k + 1);
    for (let i = 0; i <= k; i++) {
      const value = (row[i] as number) - lastV * (w.data[i] as number) - lastW * (v.data[i] as number);
      row[i] = value;
      if (i < k) scale = Math.max(scale, Math.abs(value));
    }
    diagonal[k] = row[k] as number;
    next.data.fill(0);
    let beta = 0;
    if (scale > 0) {
      let norm = 0;
      for (let i = 0; i < k; i++) {
        const value = (row[i] as number) / scale;
        next.data[i] = value;
        norm += value * value;
      }
      const head = next.data[k - 1] as number;
      const signed = head > 0 ? -Math.sqrt(norm) : Math.sqrt(norm);
      offDiagonal[k - 1] = scale * signed;
      next.data[k - 1] = head - signed;
      beta = 1 / (norm - head * signed); // 2 / (next . next)
    }
    run.updateAndMultiply(0, 8 * stride, k, v.address, w.address, next.address, product.address);
    // w = beta A v - (beta^2 v.Av / 2) v
    let inner = 0;
    for (let i = 0; i < k; i++) inner += beta * (product.data[i] as number) * (next.data[i] as number);
    const half = (beta * inner) / 2;
    for (let i = 0; i < k; i++) w.data[i] = beta * (product.data[i] as number) - half * (next.data[i] as number);
    [v, next] = [next, v];
  }
  return { diagonal, offDiagonal };
}

/** Most QL steps for one eigenvalue. About 2 are usual. */
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
          `symmetricEigenvalues: expected QL to converge, got no eigenvalue after ${maximumSteps} steps. Check that the statistics are finite.`,
        );
      }
      const [d0, e0] = [d[first] as number, e[first] as number];
      const ratio = ((d[first + 1] as number) - d0) / (2 * e0);
      const radius = radiusOf(ratio, 1);
      let g = (d[last] as number) - d0 + e0 / (ratio + (ratio >= 0 ? radius : -radius));
      let [sine, cosine, shift] = [1, 1, 0];
      let i = last - 1;
      for (; i >= first; i--) {
        const f = sine * (e[i] as number);
        const b = cosine * (e[i] as number);
        const r = radiusOf(f, g);
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

/** Computes sqrt(x^2 + y^2) without overflow, in a quarter of the time of `Math.hypot`. */
function radiusOf(x: number, y: number): number {
  const larger = Math.max(Math.abs(x), Math.abs(y));
  const ratio = larger === 0 ? 0 : Math.min(Math.abs(x), Math.abs(y)) / larger;
  return larger * Math.sqrt(1 + ratio * ratio);
}
