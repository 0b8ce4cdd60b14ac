import { crossEntropy, gptLogits, type Training } from '@dpar/nn';
import type { Ops, Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type LlamaGenConfig, llamaGenConfigKinds } from './config.js';

/** What one teacher-forced pass gives. T tokens per image, V codes. */
export interface LlamaGenOutputs<T> {
  /** [B, T, V], position i predicts token i from the class and tokens 0..i - 1. */
  readonly logits: T;
  /** Scalar, nats: mean cross-entropy over all tokens. */
  readonly loss: T;
}

/**
 * One teacher-forced pass of LlamaGen.
 * @param tokens int32 [B, T]
 * @param labels int32 [B]; `numClasses` is the null class
 * @param training Dropout and recomputation; default: none.
 */
export function llamaGen<T>(
  ops: Ops<T>,
  config: LlamaGenConfig,
  parameters: Tensors<T>,
  tokens: T,
  labels: T,
  training: Training<T> = {},
): LlamaGenOutputs<T> {
  checkArguments(
    'llamaGen',
    { ops, config, parameters, tokens, labels, training },
    {
      ops: 'Ops',
      config: llamaGenConfigKinds,
      parameters: 'object',
      tokens: 'Tensor',
      labels: 'Tensor',
      'training?': 'object',
    },
  );

  const length = ops.shapeOf(tokens)[1] ?? 0;
  const logits = gptLogits(ops, config, parameters, ops.slice(tokens, 1, 0, length - 1), labels, training);
  return { logits, loss: crossEntropy(ops, logits, tokens) };
}
