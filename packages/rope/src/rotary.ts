import type { KindsOf } from '@dpar/check';
import { type PairOptions, pairOptionsKinds } from './apply.js';
import { checkArguments } from './check-arguments.js';
import { refuse } from './error.js';

/** Part of a tensor engine's operations that {@link rotate} uses, as in the `Ops` of `@dpar/tensor`. T: a tensor handle. */
export interface RotaryOps<T> {
  rotary(x: T, table: T, options?: { readonly interleaved?: boolean }): T;
  /** Shape of a tensor. With it, {@link rotate} checks sizes itself. */
  shapeOf?(x: T): readonly number[];
}

const rotaryOpsKinds: KindsOf<RotaryOps<object>> = { rotary: 'function', 'shapeOf?': 'function', '*': 'any' };

/**
 * Rotates queries or keys on a tensor engine; see `applyRotary`.
 *
 * @param x [B, positions, H headDim]
 * @param table [1 or B, positions, headDim / 2, 2], a tensor of a table's data. It is a constant to gradients.
 * @returns [B, positions, H headDim]
 * @throws RopeError for an unknown 'pairs', or if x has other positions than the table. Errors of `ops` pass through.
 */
export function rotate<T>(ops: RotaryOps<T>, x: T, table: T, options: PairOptions = {}): T {
  checkArguments(
    'rotate',
    { ops, x, table, options },
    { ops: rotaryOpsKinds, x: 'unknown', table: 'unknown', 'options?': pairOptionsKinds },
  );
  const { pairs = 'interleaved' } = options;
  const [shape, tableShape] = [ops.shapeOf?.(x), ops.shapeOf?.(table)];
  if (shape !== undefined && tableShape !== undefined && shape[1] !== tableShape[1]) {
    refuse(
      'rotate',
      `a table of the ${shape[1]} positions of x [${shape.join(', ')}]`,
      `[${tableShape.join(', ')}]`,
      "Make the table for these positions, including 'clsTokens'.",
    );
  }
  return ops.rotary(x, table, { interleaved: pairs === 'interleaved' });
}
