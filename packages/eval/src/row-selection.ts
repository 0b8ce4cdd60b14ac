import type { Matrix } from './matrix.js';

/** Rows of a piece. */
const pieceRows = 1024;

/** Copies of some rows in a given order, in pieces; a row may be there several times. */
export function* rowsAt({ data, columns }: Matrix, rows: ArrayLike<number>): Generator<Matrix> {
  for (let first = 0; first < rows.length; first += pieceRows) {
    const count = Math.min(pieceRows, rows.length - first);
    const piece = new (data instanceof Float32Array ? Float32Array : Float64Array)(count * columns);
    for (let r = 0; r < count; r++) {
      const row = rows[first + r] as number;
      piece.set(data.subarray(row * columns, (row + 1) * columns), r * columns);
    }
    yield { data: piece, rows: count, columns };
  }
}
