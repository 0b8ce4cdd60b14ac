import type { KindsOf } from '@dpar/check';
import type { Ops } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type Dropout, dropoutKinds, linearWithDropout } from './dropout.js';
import { linear } from './linear.js';

/** Weights of the SwiGLU feed-forward layer. */
export interface FeedForwardParams<T> {
  /** [F, D] */
  readonly w1: T;
  /** [F, D] */
  readonly w3: T;
  /** [D, F] */
  readonly w2: T;
}

/** Kinds of {@link FeedForwardParams}. */
export const feedForwardParamsKinds: KindsOf<FeedForwardParams<object>> = {
  w1: 'Tensor',
  w3: 'Tensor',
  w2: 'Tensor',
  '*': 'any',
};

/**
 * SwiGLU feed-forward layer: w2 (silu(w1 x) * w3 x) (Shazeer, 2020).
 * @param x [..., D]
 * @param drop Dropout of the result; default: none.
 * @returns [..., D]
 */
export function swiGlu<T>(ops: Ops<T>, p: FeedForwardParams<T>, x: T, drop?: Dropout<T>): T {
  checkArguments(
    'swiGlu',
    { ops, p, x, drop },
    { ops: 'Ops', p: feedForwardParamsKinds, x: 'Tensor', 'drop?': dropoutKinds },
  );

  const hidden = ops.mul(ops.silu(linear(ops, p.w1, x)), linear(ops, p.w3, x)); // [..., F]
  return linearWithDropout(ops, p.w2, hidden, drop);
}

/** Width F of the feed-forward layer: 8 D / 3, rounded up to a multiple of `multipleOf`. */
export function feedForwardWidth(width: number, multipleOf: number): number {
  checkArguments('feedForwardWidth', { width, multipleOf }, { width: 'number', multipleOf: 'number' });

  return Math.ceil(Math.floor((8 * width) / 3) / multipleOf) * multipleOf;
}
