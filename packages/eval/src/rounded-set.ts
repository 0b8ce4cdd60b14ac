import { blockRows, floatProductError, type Rows } from './kernels/products.js';
import type { Matrix } from './matrix.js';

/**
 * Shift and scale of two sets of features before rounding to float32. Centring around 0 saves precision. The scale is a power
 * of two, so it is exact, and brings values to at most 1.
 */
export interface Frame {
  /** [D] */
  readonly centre: Float64Array;
  readonly scale: number;
}

/** Frame of two sets: the mean of the first, and the scale of the largest difference from it. */
export function frameOf(first: Matrix, second: Matrix): Frame {
  const { data, rows, columns } = first;
  const centre = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) centre[c] = (centre[c] as number) + (data[i * columns + c] as number) / rows;
  }
  let largest = 0;
  for (const set of [first, second]) {
    for (let i = 0; i < set.rows; i++) {
      for (let c = 0; c < columns; c++) {
        const size = Math.abs((set.data[i * columns + c] as number) - (centre[c] as number));
        if (size > largest) largest = size;
      }
    }
  }
  return { centre, scale: largest === 0 ? 1 : 2 ** -Math.ceil(Math.log2(largest)) };
}

/**
 * Features whose squared distances are bounded by float32 products, in units of the frame.
 *
 * For x and y relative to the centre, |x - y|^2 = |x|^2 + |y|^2 - 2 x.y. Rounding x and y to float32 (by u = 2^-24) and
 * multiplying there changes x.y by at most (g + 2u + ...) |x| |y|, with g of {@link floatProductError}. Also, 2 |x| |y| is at
 * most |x|^2 + |y|^2. The error of the distance from the float32 product p is therefore at most (g + 3u) (|x|^2 + |y|^2), float64
 * rounding included. The bounds are sums of a number per row:
 * lowest(x) + lowest(y) - 2p <= |x - y|^2 <= lowest(x) + lowest(y) - 2p + slack(x) + slack(y).
 */
export class RoundedSet {
  /** [N] */
  readonly lowest: Float64Array;
  /** [N] */
  readonly slack: Float64Array;

  constructor(
    readonly matrix: Matrix,
    private readonly frame: Frame,
  ) {
    const { data, rows, columns } = matrix;
    const { centre, scale } = frame;
    const share = floatProductError(columns) + 3 * 2 ** -24 + (columns + 8) * 2 ** -50;
    const underflow = columns * 2 ** -140; // of float32 products and of rounding
    this.lowest = new Float64Array(rows);
    this.slack = new Float64Array(rows);
    for (let i = 0; i < rows; i++) {
      let square = 0;
      for (let c = 0; c < columns; c++) {
        const value = ((data[i * columns + c] as number) - (centre[c] as number)) * scale;
        square += value * value;
      }
      this.lowest[i] = square - square * share - underflow;
      this.slack[i] = 2 * (square * share + underflow);
    }
  }

  /** Up to {@link blockRows} rows from `first`, relative to the centre, in float32. */
  block(first: number): Rows<Float32Array> {
    const { data, rows, columns } = this.matrix;
    const { centre, scale } = this.frame;
    const count = Math.min(blockRows, rows - first);
    const rounded = new Float32Array(count * columns);
    for (let r = 0; r < count; r++) {
      const [from, to] = [(first + r) * columns, r * columns];
      for (let c = 0; c < columns; c++) {
        rounded[to + c] = ((data[from + c] as number) - (centre[c] as number)) * scale;
      }
    }
    return { data: rounded, rows: count };
  }

  /**
   * Squared distance to a row of another set (or of this one) in float64. It is symmetric, and 0 for equal rows, so ties stay
   * ties.
   */
  squaredDistance(row: number, other: RoundedSet, otherRow: number): number {
    const { columns } = this.matrix;
    const { scale } = this.frame;
    const [a, b] = [this.matrix.data, other.matrix.data];
    const [p, q] = [row * columns, otherRow * columns];
    let [even, odd] = [0, 0];
    for (let c = 0; c < columns; c += 2) {
      const difference = ((a[p + c] as number) - (b[q + c] as number)) * scale;
      even += difference * difference;
      if (c + 1 === columns) break;
      const next = ((a[p + c + 1] as number) - (b[q + c + 1] as number)) * scale;
      odd += next * next;
    }
    return even + odd;
  }
}
