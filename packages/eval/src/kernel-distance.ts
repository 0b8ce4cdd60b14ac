import { createRandom, DparError } from '@dpar/tensor';
import { checkColumns, checkMatrix, type Matrix, rowProducts } from './matrix.js';

/** KID, and how well it is known. */
export interface KernelDistance {
  readonly mean: number;
  /** Standard error of the mean over the subsets. */
  readonly standardError: number;
  readonly subsets: number;
  readonly subsetSize: number;
}

/**
 * Kernel Inception Distance (Bińkowski et al. 2018): the unbiased squared MMD with the kernel (x.y / D + 1)^3, mean over
 * random subsets, drawn without repetition within a subset.
 *
 * @param options `subsets` 100, `subsetSize` 1000 (at most as many as the smaller set has), `seed` 0.
 * @throws DparError if a set has fewer than 2 rows, or lengths differ.
 */
export function kernelDistance(
  reference: Matrix,
  samples: Matrix,
  { subsets = 100, subsetSize = 1000, seed = 0 }: { subsets?: number; subsetSize?: number; seed?: number } = {},
): KernelDistance {
  checkColumns('kernelDistance', reference.columns, samples.columns);
  checkMatrix('kernelDistance', reference, 2);
  checkMatrix('kernelDistance', samples, 2);
  if (!(subsets >= 2 && subsetSize >= 2)) {
    throw new DparError(`kernelDistance: expected 2 subsets of 2 or more, got ${subsets} of ${subsetSize}. Take more.`);
  }
  const size = Math.min(subsetSize, reference.rows, samples.rows);
  const values: number[] = [];
  for (let i = 0; i < subsets; i++) {
    const x = subset(reference, size, seed, 2 * i);
    const y = subset(samples, size, seed, 2 * i + 1);
    const within = (kernelSum(x, x, true) + kernelSum(y, y, true)) / (size * (size - 1));
    values.push(within - (2 * kernelSum(x, y, false)) / (size * size));
  }
  const mean = values.reduce((a, b) => a + b) / subsets;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (subsets - 1);
  return { mean, standardError: Math.sqrt(variance / subsets), subsets, subsetSize: size };
}

/** Sum of the kernel over all pairs of rows, of one set with itself without the pairs of a row with itself. */
function kernelSum(x: Matrix, y: Matrix, same: boolean): number {
  const products = rowProducts(x, y, same);
  let sum = 0;
  for (let i = 0; i < products.length; i++) {
    if (!(same && i % (x.rows + 1) === 0)) sum += ((products[i] as number) / x.columns + 1) ** 3;
  }
  return sum;
}

/** `size` different rows, by the first steps of a Fisher-Yates shuffle. */
function subset({ data, rows, columns }: Matrix, size: number, seed: number, stream: number): Matrix {
  const uniform = createRandom(seed, stream).fillUniform(new Float32Array(size));
  const order = Uint32Array.from({ length: rows }, (_, i) => i);
  const picked = new Float64Array(size * columns);
  for (let i = 0; i < size; i++) {
    const j = Math.min(rows - 1, i + Math.floor((uniform[i] as number) * (rows - i)));
    const row = order[j] as number;
    order[j] = order[i] as number;
    order[i] = row;
    picked.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  }
  return { data: picked, rows: size, columns };
}
