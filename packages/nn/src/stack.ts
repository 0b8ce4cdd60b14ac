import { DparError, named, type Ops, type Tensors } from '@dpar/tensor';
import { type BlockParams, transformerBlock } from './block.js';
import { checkArguments } from './check-arguments.js';
import { type Training, trainingKinds } from './dropout.js';
import { feedForwardWidth } from './feed-forward.js';
import { type StackConfig, stackConfigKinds } from './gpt-config.js';
import { ones, type ParameterSpec, standardNormal } from './parameters.js';

/**
 * Parameters of the blocks `prefix.0` to `prefix.(layers - 1)`.
 *
 * @throws DparError if the heads do not divide the width, or a size is missing.
 */
export function stackSpecs(prefix: string, layers: number, config: StackConfig): Record<string, ParameterSpec> {
  checkArguments(
    'stackSpecs',
    { prefix, layers, config },
    { prefix: 'string', layers: 'number', config: stackConfigKinds },
  );

  const { dim: D, nHead, multipleOf } = config;
  if (!(D > 0 && D % nHead === 0 && multipleOf > 0)) {
    throw new DparError(
      `stackSpecs: expected 'dim' to be a multiple of 'nHead', and 'multipleOf' above 0, got ${D}, ${nHead} and ` +
        `${multipleOf}. Pass a complete configuration.`,
    );
  }
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

/** Weights of one block, from parameters with official names. */
export function blockParams<T>(parameters: Tensors<T>, block: string): BlockParams<T> {
  const weight = (name: string): T => named(parameters, `${block}.${name}.weight`);
  return {
    attention: { wqkv: weight('attention.wqkv'), wo: weight('attention.wo') },
    feedForward: { w1: weight('feed_forward.w1'), w3: weight('feed_forward.w3'), w2: weight('feed_forward.w2') },
    attentionNorm: weight('attention_norm'),
    ffnNorm: weight('ffn_norm'),
  };
}

/**
 * One block by the prefix of its parameters: x [B, T, D] -> [B, T, D].
 * @param block Prefix of its parameters' official names, such as `layers.3`.
 * @param training Dropout and recomputation; default: none.
 */
export function namedBlock<T>(
  ops: Ops<T>,
  parameters: Tensors<T>,
  block: string,
  x: T,
  table: T,
  mask: T,
  config: StackConfig,
  training: Training<T> = {},
): T {
  checkArguments(
    'namedBlock',
    { ops, parameters, block, x, table, mask, config, training },
    {
      ops: 'Ops',
      parameters: 'object',
      block: 'string',
      x: 'Tensor',
      table: 'Tensor',
      mask: 'Tensor',
      config: stackConfigKinds,
      'training?': trainingKinds,
    },
  );

  const { normEps } = config;
  const shape = ops.shapeOf(x);
  const attention = training.dropout?.({ name: `${block}.attention`, kind: 'residual', shape });
  const feedForward = training.dropout?.({ name: `${block}.feed_forward`, kind: 'feedForward', shape });
  if (!training.recomputeBlocks) {
    return transformerBlock(ops, blockParams(parameters, block), x, table, mask, normEps, { attention, feedForward });
  }
  const weights = Object.entries(parameters).filter(([name]) => name.startsWith(`${block}.`));
  const inputs: Record<string, T> = { ...Object.fromEntries(weights), x, table, mask };
  if (attention !== undefined) inputs.keepAttention = attention.keep;
  if (feedForward !== undefined) inputs.keepFeedForward = feedForward.keep;
  const outputs = ops.recompute((inner, tensors) => {
    const drop = {
      attention: attention && { keep: named(tensors, 'keepAttention'), scale: attention.scale },
      feedForward: feedForward && { keep: named(tensors, 'keepFeedForward'), scale: feedForward.scale },
    };
    const input = (name: string) => named(tensors, name);
    const params = blockParams(tensors, block);
    return { y: transformerBlock(inner, params, input('x'), input('table'), input('mask'), normEps, drop) };
  }, inputs);
  return named(outputs, 'y');
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
  training: Training<T> = {},
): T {
  checkArguments(
    'transformerStack',
    { ops, parameters, prefix, layers, x, table, mask, config, training },
    {
      ops: 'Ops',
      parameters: 'object',
      prefix: 'string',
      layers: 'number',
      x: 'Tensor',
      table: 'Tensor',
      mask: 'Tensor',
      config: stackConfigKinds,
      'training?': trainingKinds,
    },
  );

  let h = x;
  for (let layer = 0; layer < layers; layer++) {
    h = namedBlock(ops, parameters, `${prefix}.${layer}`, h, table, mask, config, training);
  }
  return h;
}

/** Multiply-accumulates of the linear layers of one block, for one position: 4 D^2 + 3 D F. */
export function blockMacs(config: Pick<StackConfig, 'dim' | 'multipleOf'>): number {
  checkArguments('blockMacs', { config }, { config: { dim: 'number', multipleOf: 'number', '*': 'any' } });
  const { dim: D, multipleOf } = config;
  return 4 * D * D + 3 * D * feedForwardWidth(D, multipleOf);
}

/** Multiply-accumulates of the attention of one block over a sequence: scores and mixing of all pairs of positions. */
export function attentionMacs(length: number, D: number): number {
  checkArguments('attentionMacs', { length, D }, { length: 'number', D: 'number' });
  return 2 * length * length * D;
}
