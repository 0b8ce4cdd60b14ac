import { DparError } from '@dpar/tensor';
import { checkColumns, checkMatrix, dot, type Matrix, rowProducts } from './matrix.js';

/** Shares from 0 to 1. */
export interface PrecisionRecall {
  /** Samples that lie in the reference's manifold. */
  readonly precision: number;
  /** References that lie in the samples' manifold. */
  readonly recall: number;
}

/** Rows whose distances are held at a time. */
const blockRows = 512;

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019): the manifold of a set is the union of balls around its points,
 * each as wide as the distance to the point's k-th nearest neighbour other than itself. Float64; memory: 512 x 512 distances.
 *
 * @throws DparError if a set has no more than k rows, or lengths differ.
 */
export function precisionRecall(reference: Matrix, samples: Matrix, { k = 3 }: { k?: number } = {}): PrecisionRecall {
  if (!(Number.isInteger(k) && k >= 1)) {
    throw new DparError(`precisionRecall: expected k to be a whole number from 1 up, got ${k}. The paper has 3.`);
  }
  checkColumns('precisionRecall', reference.columns, samples.columns);
  checkMatrix('precisionRecall', reference, k + 1);
  checkMatrix('precisionRecall', samples, k + 1);
  const [referenceRadii, sampleRadii] = [squaredRadii(reference, k), squaredRadii(samples, k)];
  const inReference = new Uint8Array(samples.rows);
  const inSamples = new Uint8Array(reference.rows);
  eachDistance(samples, reference, false, (i, j, squared) => {
    if (squared <= (referenceRadii[j] as number)) inReference[i] = 1;
    if (squared <= (sampleRadii[i] as number)) inSamples[j] = 1;
  });
  const share = (flags: Uint8Array): number => flags.reduce((a, b) => a + b, 0) / flags.length;
  return { precision: share(inReference), recall: share(inSamples) };
}

/** Squared distance of each row to its k-th nearest other row. */
function squaredRadii(set: Matrix, k: number): Float64Array {
  const nearest = new Float64Array(set.rows * k).fill(Number.POSITIVE_INFINITY); // each row's k smallest, ascending
  const insert = (row: number, value: number): void => {
    let at = row * k + k - 1;
    if (value >= (nearest[at] as number)) return;
    for (; at > row * k && (nearest[at - 1] as number) > value; at--) nearest[at] = nearest[at - 1] as number;
    nearest[at] = value;
  };
  eachDistance(set, set, true, (i, j, squared) => {
    insert(i, squared);
    insert(j, squared);
  });
  return Float64Array.from({ length: set.rows }, (_, i) => nearest[i * k + k - 1] as number);
}

/** Calls `visit` with the squared distances of all pairs, or, of one set with itself, of each pair of different rows once. */
function eachDistance(
  a: Matrix,
  b: Matrix,
  once: boolean,
  visit: (i: number, j: number, squared: number) => void,
): void {
  const [aNorms, bNorms] = [a, b].map(({ data, rows, columns }) =>
    Float64Array.from({ length: rows }, (_, i) => dot(data, i * columns, data, i * columns, columns)),
  ) as [Float64Array, Float64Array];
  for (let i = 0; i < a.rows; i += blockRows) {
    const left = rowsOf(a, i);
    for (let j = 0; j < (once ? i + 1 : b.rows); j += blockRows) {
      const right = rowsOf(b, j);
      const products = rowProducts(left, right);
      for (let r = 0; r < left.rows; r++) {
        for (let c = 0; c < right.rows && !(once && j + c >= i + r); c++) {
          const squared =
            (aNorms[i + r] as number) + (bNorms[j + c] as number) - 2 * (products[r * right.rows + c] as number);
          visit(i + r, j + c, Math.max(0, squared));
        }
      }
    }
  }
}

function rowsOf({ data, rows, columns }: Matrix, first: number): Matrix {
  const count = Math.min(blockRows, rows - first);
  return { data: data.subarray(first * columns, (first + count) * columns), rows: count, columns };
}
