import type { Ops } from '@dpar/tensor';

/**
 * Index of the nearest row of a codebook: argmin |x - c|^2 = argmax (x c - |c|^2 / 2).
 * @param codebook [K, C]
 * @param x [..., C]
 * @returns int32 [...]
 */
export function nearestCodes<T>(ops: Ops<T>, codebook: T, x: T): T {
  const halfNorms = ops.mul(ops.sum(ops.square(codebook), { axes: -1 }), 0.5); // [K]
  return ops.argMax(ops.sub(ops.matmul(x, codebook, { transposeB: true }), halfNorms));
}
