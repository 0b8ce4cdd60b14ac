import { DparError, type Ops, type Shape } from '@dpar/tensor';

/** Rows and columns of an image's codes. */
export interface CodeGrid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Grid of codes [B, rows, columns], or of codes [B, T] of square images.
 * @param caller Function that errors name.
 * @throws DparError if T is not a square number, or for another shape.
 */
export function gridOf(caller: string, shape: Shape): CodeGrid {
  const [, T = 0, columns] = shape;
  if (shape.length === 3 && columns !== undefined) return { rows: T, columns };
  const side = Math.round(Math.sqrt(T));
  if (shape.length === 2 && side * side === T) return { rows: side, columns: side };
  throw new DparError(
    `${caller}: expected codes [B, T] of square images or [B, rows, columns], got [${shape.join(', ')}]. ` +
      'Shape the codes of other images as [B, rows, columns].',
  );
}

/**
 * Grid of the codes of images [B, 3, H, W].
 * @param caller Function that errors name.
 * @param factor Pixels for each code in both directions.
 * @throws DparError if the factor does not divide H and W, or for another shape.
 */
export function gridOfImages(caller: string, shape: Shape, factor: number): CodeGrid {
  const [, channels, height = 0, width = 0] = shape;
  const fits = shape.length === 4 && channels === 3 && height > 0 && width > 0;
  if (fits && height % factor === 0 && width % factor === 0) return { rows: height / factor, columns: width / factor };
  throw new DparError(
    `${caller}: expected images [B, 3, H, W] with sides that ${factor} divides, got [${shape.join(', ')}]. ` +
      'Crop or resize the images.',
  );
}

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
