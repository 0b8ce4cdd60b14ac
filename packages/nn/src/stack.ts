import { named, type Ops, type Tensors } from '@dpar/tensor';
import { type BlockParams, transformerBlock } from './block.js';
import { feedForwardWidth } from './feed-forward.js';
import { ones, standardNormal } from './initialize.js';
import type { ParameterSpec } from './parameters.js';

/** What all blocks of a transformer share. */
export interface StackConfig {
  /** Width D. */
  readonly dim: number;
  /** Number of heads H. */
  readonly nHead: number;
  /** The feed-forward width is a multiple of this. */
  readonly multipleOf: number;
  /** Epsilon of RMSNorm. */
  readonly normEps: number;
}

/** Parameters of the blocks `prefix.0` to `prefix.(layers - 1)`. */
export function stackSpecs(prefix: string, layers: number, config: StackConfig): Record<string, ParameterSpec> {
  const { dim: D, multipleOf } = config;
  const F = feedForwardWidth(D, multipleOf);
  const specs: Record<string, ParameterSpec> = {};
  for (let layer = 0; layer < layers; layer++) {
    const block = `${prefix}.${layer}`;
    specs[`${block}.attention.wqkv.weight`] = standardNormal([3 * D, D]);
    specs[`${block}.attention.wo.weight`] = standardNormal([D, D]);
    specs[`${block}.feed_forward.w1.weight`] = standardNormal([F, D]);
    specs[`${block}.feed_forward.w3.weight`] = standardNormal([F, D]);
    specs[`${block}.feed_forward.w2.weight`] = standardNormal([D, F]);
    specs[`${block}.attention_norm.weight`] = ones([D]);
    specs[`${block}.ffn_norm.weight`] = ones([D]);
  }
  return specs;
}

/** The weights of one block from parameters with official names. */
export function blockParams<T>(parameters: Tensors<T>, block: string): BlockParams<T> {
  const weight = (name: string): T => named(parameters, `${block}.${name}.weight`);
  return {
    attention: { wqkv: weight('attention.wqkv'), wo: weight('attention.wo') },
    feedForward: { w1: weight('feed_forward.w1'), w3: weight('feed_forward.w3'), w2: weight('feed_forward.w2') },
    attentionNorm: weight('attention_norm'),
    ffnNorm: weight('ffn_norm'),
  };
}

/** Runs the blocks `prefix.0` to `prefix.(layers - 1)` one after the other: x [B, T, D] -> [B, T, D]. */
export function transformerStack<T>(
  ops: Ops<T>,
  parameters: Tensors<T>,
  prefix: string,
  layers: number,
  x: T,
  table: T,
  mask: T,
  config: StackConfig,
): T {
  let h = x;
  for (let layer = 0; layer < layers; layer++) {
    h = transformerBlock(ops, blockParams(parameters, `${prefix}.${layer}`), h, table, mask, config.normEps);
  }
  return h;
}
