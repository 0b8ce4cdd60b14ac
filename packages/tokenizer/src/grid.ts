import type { KindsOf } from '@dpar/check';
import { DparError, type Shape } from '@dpar/tensor';

/** Rows and columns of an image's codes. */
export interface CodeGrid {
  readonly rows: number;
  readonly columns: number;
}

/** Kinds of {@link CodeGrid}. */
export const codeGridKinds: KindsOf<CodeGrid> = { rows: 'number', columns: 'number', '*': 'any' };

/**
 * The grid of codes [B, rows, columns], or of codes [B, T] of square images.
 * @throws DparError if T is no square, or the shape is another one.
 */
export function gridOf(what: string, shape: Shape): CodeGrid {
  const [, T = 0, columns] = shape;
  if (shape.length === 3 && columns !== undefined) return { rows: T, columns };
  const side = Math.round(Math.sqrt(T));
  if (shape.length === 2 && side * side === T) return { rows: side, columns: side };
  throw new DparError(
    `${what}: expected codes [B, T] of square images or [B, rows, columns], got [${shape.join(', ')}]. ` +
      'Shape the codes of other images as [B, rows, columns].',
  );
}

/**
 * The grid of the codes of images [B, 3, H, W].
 * @param factor Pixels for each code in both directions.
 * @throws DparError if the factor does not divide H and W, or the shape is another one.
 */
export function gridOfImages(what: string, shape: Shape, factor: number): CodeGrid {
  const [, channels, height = 0, width = 0] = shape;
  const fits = shape.length === 4 && channels === 3 && height > 0 && width > 0;
  if (fits && height % factor === 0 && width % factor === 0) return { rows: height / factor, columns: width / factor };
  throw new DparError(
    `${what}: expected images [B, 3, H, W] with sides that ${factor} divides, got [${shape.join(', ')}]. ` +
      'Crop or resize the images.',
  );
}
