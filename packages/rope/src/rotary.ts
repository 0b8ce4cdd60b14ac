import { checkPairs, type PairOptions } from './apply.js';

/** What is used of a tensor engine: the `Ops` of `@dpar/tensor` have it. T: a tensor handle. */
export interface RotaryOps<T> {
  rotary(x: T, table: T, options?: { readonly interleaved?: boolean }): T;
}

/**
 * Rotates queries or keys on a tensor engine; see `applyRotary`.
 *
 * @param x [B, positions, H headDim]
 * @param table [1 or B, positions, headDim / 2, 2], a tensor of a table's data; a constant to gradients.
 * @returns As x.
 * @throws RopeError if 'pairs' has no such name; what `ops` throws for shapes that do not fit.
 */
export function rotate<T>(ops: RotaryOps<T>, x: T, table: T, { pairs = 'interleaved' }: PairOptions = {}): T {
  checkPairs('rotate', pairs);
  return ops.rotary(x, table, { interleaved: pairs === 'interleaved' });
}
