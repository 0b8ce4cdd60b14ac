import type { Ops } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/**
 * Mean cross-entropy of predictions, in nats.
 * @param logits [..., V]
 * @param targets int32 [...], in 0..V-1
 * @returns scalar
 */
export function crossEntropy<T>(ops: Ops<T>, logits: T, targets: T): T {
  checkArguments('crossEntropy', { ops, logits, targets }, { ops: 'Ops', logits: 'Tensor', targets: 'Tensor' });

  return ops.neg(ops.mean(ops.takeLast(ops.logSoftmax(logits), targets)));
}

/**
 * Entropy of the distribution that logits describe, in nats: -sum p log p.
 * @param logits [..., V]
 * @returns [...]
 */
export function entropyOfLogits<T>(ops: Ops<T>, logits: T): T {
  checkArguments('entropyOfLogits', { ops, logits }, { ops: 'Ops', logits: 'Tensor' });

  const logProbabilities = ops.logSoftmax(logits);
  return ops.neg(ops.sum(ops.mul(ops.exp(logProbabilities), logProbabilities), { axes: -1 }));
}
