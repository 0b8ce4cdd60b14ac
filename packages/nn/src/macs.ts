import { checkArguments } from './check-arguments.js';
import { feedForwardWidth } from './feed-forward.js';
import { type GptConfig, gptConfigKinds } from './gpt.js';
import type { StackConfig } from './stack.js';

/** Multiply-accumulates of the linear layers of one block, for one position: 4 D^2 + 3 D F. */
export function blockMacs(config: Pick<StackConfig, 'dim' | 'multipleOf'>): number {
  checkArguments('blockMacs', { config }, { config: { dim: 'number', multipleOf: 'number', '*': 'any' } });
  const { dim: D, multipleOf } = config;
  return 4 * D * D + 3 * D * feedForwardWidth(D, multipleOf);
}

/** Attention products of a causal block over a sequence, all positions: scores and mixing, without using causality. */
export function attentionMacs(length: number, D: number): number {
  checkArguments('attentionMacs', { length, D }, { length: 'number', D: 'number' });
  return 2 * length * length * D;
}

/** Multiply-accumulates of all matrix products of a forward pass of a GPT over one image, attention included. */
export function gptMatmulMacs(config: GptConfig): number {
  checkArguments('gptMatmulMacs', { config }, { config: gptConfigKinds });

  const { dim: D, nLayer: L, vocabSize: V, blockSize: T } = config;
  return T * (L * blockMacs(config) + V * D) + L * attentionMacs(T, D);
}
