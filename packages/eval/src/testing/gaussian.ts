import { createRandom } from '@dpar/tensor';
import type { Matrix } from '../matrix.js';

/** Standard normal features in float64, whose values are exact in float32. */
export function gaussian(rows: number, columns: number, seed: number): Matrix & { data: Float64Array } {
  const data = Float64Array.from(createRandom(seed).fillNormal(new Float32Array(rows * columns)));
  return { data, rows, columns };
}
