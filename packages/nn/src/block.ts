import type { KindsOf } from '@dpar/check';
import type { Ops } from '@dpar/tensor';
import { type AttentionParams, attention, attentionParamsKinds } from './attention.js';
import { checkArguments } from './check-arguments.js';
import { type Dropout, dropoutKinds } from './dropout.js';
import { type FeedForwardParams, feedForwardParamsKinds, swiGlu } from './feed-forward.js';

/** Weights of a transformer block. */
export interface BlockParams<T> {
  readonly attention: AttentionParams<T>;
  readonly feedForward: FeedForwardParams<T>;
  /** [D] */
  readonly attentionNorm: T;
  /** [D] */
  readonly ffnNorm: T;
}

const blockParamsKinds: KindsOf<BlockParams<object>> = {
  attention: attentionParamsKinds,
  feedForward: feedForwardParamsKinds,
  attentionNorm: 'Tensor',
  ffnNorm: 'Tensor',
  '*': 'any',
};

/** Dropout in a block. */
export interface BlockDropout<T> {
  /** Dropout of the attention's result, `[B, T, D]`. */
  readonly attention?: Dropout<T> | undefined;
  /** Dropout of the feed-forward layer's result, `[B, T, D]`. */
  readonly feedForward?: Dropout<T> | undefined;
}

const blockDropoutKinds: KindsOf<BlockDropout<object>> = {
  'attention?': dropoutKinds,
  'feedForward?': dropoutKinds,
  '*': 'any',
};

/**
 * Pre-norm transformer block (LlamaGen's): x + attention(norm(x)), then x + feedForward(norm(x)).
 * @param x [B, T, D]
 * @param table Rotary table, see {@link attention}.
 * @param mask Added to the attention scores.
 * @param drop Dropout of the two summands, as in LlamaGen; default: none.
 * @returns [B, T, D]
 */
export function transformerBlock<T>(
  ops: Ops<T>,
  p: BlockParams<T>,
  x: T,
  table: T,
  mask: T,
  normEps: number,
  drop: BlockDropout<T> = {},
): T {
  checkArguments(
    'transformerBlock',
    { ops, p, x, table, mask, normEps, drop },
    {
      ops: 'Ops',
      p: blockParamsKinds,
      x: 'Tensor',
      table: 'Tensor',
      mask: 'Tensor',
      normEps: 'number',
      'drop?': blockDropoutKinds,
    },
  );

  const h = ops.add(
    x,
    attention(ops, p.attention, ops.rmsNorm(x, p.attentionNorm, normEps), table, mask, drop.attention),
  );
  return ops.add(h, swiGlu(ops, p.feedForward, ops.rmsNorm(h, p.ffnNorm, normEps), drop.feedForward));
}
