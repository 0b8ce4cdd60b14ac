import { crossEntropy, entropyOfLogits, gptLogits, type Training } from '@dpar/nn';
import type { Ops, Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import type { EntropyModelConfig } from './config.js';
import { entropyModelConfigKinds } from './config.js';

/** What one teacher-forced pass of an entropy model gives. T tokens per image, V codes. */
export interface EntropyModelOutputs<T> {
  /** [B, T - 1, V], position j predicts token j + 1 from tokens 0..j. */
  readonly logits: T;
  /** [B, T - 1], nats: entropies of these predictions. */
  readonly entropies: T;
  /** Scalar, nats: mean cross-entropy of tokens 1..T - 1. */
  readonly loss: T;
}

/**
 * One teacher-forced pass of the entropy model.
 * @param tokens int32 [B, T]
 * @param training Dropout and recomputation; default: none.
 */
export function entropyModel<T>(
  ops: Ops<T>,
  config: EntropyModelConfig,
  parameters: Tensors<T>,
  tokens: T,
  training: Training<T> = {},
): EntropyModelOutputs<T> {
  checkArguments(
    'entropyModel',
    { ops, config, parameters, tokens, training },
    { ops: 'Ops', config: entropyModelConfigKinds, parameters: 'object', tokens: 'Tensor', 'training?': 'object' },
  );

  const T1 = (ops.shapeOf(tokens)[1] ?? 0) - 1;
  const logits = gptLogits(ops, config, parameters, ops.slice(tokens, 1, 0, T1), undefined, training);
  return {
    logits,
    entropies: entropyOfLogits(ops, logits),
    loss: crossEntropy(ops, logits, ops.slice(tokens, 1, 1, T1)),
  };
}
