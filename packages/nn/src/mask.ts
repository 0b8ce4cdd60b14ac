import type { Ops } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** Offset of masked scores. It is finite, so that no implementation meets infinity minus infinity. */
export const masked = -1e30;

/**
 * Causal attention: position i sees positions 0..i.
 * @returns Mask to add to scores, [1, 1, length, length].
 */
export function causalMask<T>(ops: Ops<T>, length: number): T {
  checkArguments('causalMask', { ops, length }, { ops: 'Ops', length: 'number' });

  const positions = ops.range(length);
  const seen = ops.lessEqual(ops.reshape(positions, [1, 1, 1, length]), ops.reshape(positions, [1, 1, length, 1]));
  return additiveMask(ops, seen);
}

/**
 * Causal attention within blocks: position i sees the positions 0..i with its block id.
 * @param ids int32 [B, T]
 * @returns Mask to add to scores, [B, 1, T, T].
 */
export function blockCausalMask<T>(ops: Ops<T>, ids: T): T {
  checkArguments('blockCausalMask', { ops, ids }, { ops: 'Ops', ids: 'Tensor' });

  const [batch = 0, length = 0] = ops.shapeOf(ids);
  const same = ops.equal(ops.reshape(ids, [batch, 1, length, 1]), ops.reshape(ids, [batch, 1, 1, length]));
  return ops.add(ops.select(same, 0, masked), causalMask(ops, length));
}

/** Mask to add to scores from a bool tensor of the same shape: 0 where true, strongly negative where false. */
export function additiveMask<T>(ops: Ops<T>, visible: T): T {
  checkArguments('additiveMask', { ops, visible }, { ops: 'Ops', visible: 'Tensor' });

  return ops.select(visible, 0, masked);
}
