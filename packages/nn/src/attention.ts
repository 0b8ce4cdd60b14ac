import type { KindsOf } from '@dpar/check';
import type { Ops } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type Dropout, dropoutKinds, linearWithDropout } from './dropout.js';
import { linear } from './linear.js';

/** Weights of self-attention: queries, keys and values in one matrix. */
export interface AttentionParams<T> {
  /** [3 D, D] */
  readonly wqkv: T;
  /** [D, D] */
  readonly wo: T;
}

/** Kinds of {@link AttentionParams}. */
export const attentionParamsKinds: KindsOf<AttentionParams<object>> = { wqkv: 'Tensor', wo: 'Tensor', '*': 'any' };

/**
 * Multi-head self-attention with rotary positions (LlamaGen's).
 * @param x [B, T, D]
 * @param table Rotary table [1 or B, T, headDim / 2, 2]; its headDim sets the number of heads H = D / headDim.
 * @param mask Added to the scores, broadcast to [B, H, T, T].
 * @param drop Dropout of the result; default: none.
 * @returns [B, T, D]
 */
export function attention<T>(ops: Ops<T>, p: AttentionParams<T>, x: T, table: T, mask: T, drop?: Dropout<T>): T {
  checkArguments(
    'attention',
    { ops, p, x, table, mask, drop },
    { ops: 'Ops', p: attentionParamsKinds, x: 'Tensor', table: 'Tensor', mask: 'Tensor', 'drop?': dropoutKinds },
  );

  const [B = 0, length = 0, D = 0] = ops.shapeOf(x);
  const headDim = 2 * (ops.shapeOf(table)[2] ?? 1);
  const H = D / headDim;
  const [qk, v] = ops.split(linear(ops, p.wqkv, x), -1, [2 * D, D]) as [T, T]; // [B, T, 2 D], [B, T, D]
  // Queries and keys are rotated together, as 2 H heads.
  const [q, k] = ops.split(toHeads(ops, ops.rotary(qk, table), 2 * H), 1, [H, H]) as [T, T]; // [B, H, T, headDim]
  const scores = ops.matmul(q, k, { transposeB: true, scale: headDim ** -0.5 }); // [B, H, T, T]
  const weights = ops.softmax(ops.add(scores, mask));
  const mixed = ops.matmul(weights, toHeads(ops, v, H)); // [B, H, T, headDim]
  const joined = ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [B, length, D]);
  return linearWithDropout(ops, p.wo, joined, drop);
}

/** [B, T, heads * headDim] -> [B, heads, T, headDim] */
function toHeads<T>(ops: Ops<T>, x: T, heads: number): T {
  const [B = 0, length = 0, D = 0] = ops.shapeOf(x);
  return ops.transpose(ops.reshape(x, [B, length, heads, D / heads]), [0, 2, 1, 3]);
}
