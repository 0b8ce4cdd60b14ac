import type { Ops } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import type { CodeGrid } from '../codes.js';

/**
 * Cuts images into square patches in raster order: [B, 3, H, W] -> [B, T, 3 p p], with channels outermost in each patch.
 * @param p Width and height of a patch in pixels; it divides H and W.
 */
export function patchesOfImages<T>(ops: Ops<T>, images: T, p: number): T {
  checkArguments('patchesOfImages', { ops, images, p }, { ops: 'Ops', images: 'Tensor', p: 'number' });

  const [B = 0, , H = 0, W = 0] = ops.shapeOf(images);
  const [rows, columns] = [H / p, W / p];
  const cut = ops.transpose(ops.reshape(images, [B, 3, rows, p, columns, p]), [0, 2, 4, 1, 3, 5]);
  return ops.reshape(cut, [B, rows * columns, 3 * p * p]);
}

/** Joins patches to images: the inverse of {@link patchesOfImages}. */
export function imagesOfPatches<T>(ops: Ops<T>, patches: T, p: number, { rows, columns }: CodeGrid): T {
  const [B = 0] = ops.shapeOf(patches);
  const cells = ops.transpose(ops.reshape(patches, [B, rows, columns, 3, p, p]), [0, 3, 1, 4, 2, 5]);
  return ops.reshape(cells, [B, 3, rows * p, columns * p]);
}
