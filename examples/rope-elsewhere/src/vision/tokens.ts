import type { Picture } from './digits.js';

/** Height and width of a patch in pixels. */
export const patchSize = 4;

/** Pixels around a patch in its token's window. */
const margin = 2;

/** Height and width in pixels of a token's window. */
export const windowSize = patchSize + 2 * margin;

/** A picture as M tokens in raster order, each one or more neighbouring patches of a row. */
export interface Tokens {
  readonly gridHeight: number;
  /** Patches in a row of the picture. */
  readonly gridWidth: number;
  /** [M], patches of each token. They sum to gridHeight gridWidth; no token crosses into the next row. */
  readonly lengths: readonly number[];
  /** [M, windowSize²], each patch with its surroundings, as mean over the patches of the token. */
  readonly contents: readonly Float32Array[];
}

/**
 * Cuts a picture into patches and merges similar neighbours of a row, such as the empty ones around a digit.
 *
 * @param tolerance A patch joins the token on its left if it differs from that token's first patch by at most this
 * much, on average over its pixels. `undefined`: nothing merges.
 */
export function tokenize(picture: Picture, tolerance: number | undefined): Tokens {
  const gridHeight = picture.height / patchSize;
  const gridWidth = picture.width / patchSize;
  const lengths: number[] = [];
  const contents: Float32Array[] = [];
  for (let row = 0; row < gridHeight; row++) {
    const patchAt = (column: number): Float32Array => cut(picture, row * patchSize, column * patchSize, patchSize);
    for (let start = 0, end = 0; start < gridWidth; start = end) {
      const first = patchAt(start);
      end = start + 1;
      while (tolerance !== undefined && end < gridWidth && difference(first, patchAt(end)) <= tolerance) end++;
      lengths.push(end - start);
      contents.push(
        meanOf(
          Array.from({ length: end - start }, (_, k) =>
            cut(picture, row * patchSize - margin, (start + k) * patchSize - margin, windowSize),
          ),
        ),
      );
    }
  }
  return { gridHeight, gridWidth, lengths, contents };
}

/** A square of a picture, [size, size]; black outside. */
function cut({ height, width, pixels }: Picture, top: number, left: number, size: number): Float32Array {
  const part = new Float32Array(size * size);
  for (let y = Math.max(0, -top); y < size && top + y < height; y++) {
    for (let x = Math.max(0, -left); x < size && left + x < width; x++) {
      part[y * size + x] = pixels[(top + y) * width + left + x] as number;
    }
  }
  return part;
}

/** Mean absolute difference. */
function difference(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] as number) - (b[i] as number));
  return sum / a.length;
}

function meanOf(parts: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(parts[0]?.length ?? 0);
  for (const part of parts) {
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) + (part[i] as number) / parts.length;
  }
  return mean;
}
