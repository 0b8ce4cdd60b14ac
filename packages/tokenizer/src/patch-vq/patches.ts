import type { Ops } from '@dpar/tensor';

/**
 * Cuts images into square patches: [B, 3, S, S] -> [B, T, 3 p p], patches in raster order, channels outermost in each.
 * @param p Width and height of a patch in pixels; it divides S.
 */
export function patchesOfImages<T>(ops: Ops<T>, images: T, p: number): T {
  const [B = 0, , S = 0] = ops.shapeOf(images);
  const grid = S / p;
  const cut = ops.transpose(ops.reshape(images, [B, 3, grid, p, grid, p]), [0, 2, 4, 1, 3, 5]);
  return ops.reshape(cut, [B, grid * grid, 3 * p * p]);
}

/** Puts patches together to images again: the inverse of {@link patchesOfImages}. */
export function imagesOfPatches<T>(ops: Ops<T>, patches: T, p: number): T {
  const [B = 0, count = 0] = ops.shapeOf(patches);
  const grid = Math.round(Math.sqrt(count));
  const cells = ops.transpose(ops.reshape(patches, [B, grid, grid, 3, p, p]), [0, 3, 1, 4, 2, 5]);
  return ops.reshape(cells, [B, 3, grid * p, grid * p]);
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
