import type { KindsOf } from '@dpar/check';
import { checkPairs, type PairOptions, pairOptionsKinds } from './apply.js';
import { checkArguments } from './check-arguments.js';

/** What is used of a tensor engine: the `Ops` of `@dpar/tensor` have it. T: a tensor handle. */
export interface RotaryOps<T> {
  rotary(x: T, table: T, options?: { readonly interleaved?: boolean }): T;
}

const rotaryOpsKinds: KindsOf<RotaryOps<object>> = { rotary: 'function', '*': 'any' };

/**
 * Rotates queries or keys on a tensor engine; see `applyRotary`.
 *
 * @param x [B, positions, H headDim]
 * @param table [1 or B, positions, headDim / 2, 2], a tensor of a table's data; a constant to gradients.
 * @returns As x.
 * @throws RopeError if 'pairs' has no such name; what `ops` throws for shapes that do not fit.
 */
export function rotate<T>(ops: RotaryOps<T>, x: T, table: T, options: PairOptions = {}): T {
  checkArguments(
    'rotate',
    { ops, x, table, options },
    { ops: rotaryOpsKinds, x: 'Tensor', table: 'Tensor', 'options?': pairOptionsKinds },
  );
  const { pairs = 'interleaved' } = options;
  checkPairs('rotate', pairs);
  return ops.rotary(x, table, { interleaved: pairs === 'interleaved' });
}
