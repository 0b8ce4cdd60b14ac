import type { KindsOf } from '@dpar/check';
import type { Ops, Tensors } from '@dpar/tensor';
import type { AttentionParams } from './attention.js';
import { checkArguments } from './check-arguments.js';
import { swiGlu } from './feed-forward.js';
import { type StackConfig, stackConfigKinds } from './gpt-config.js';
import { linear } from './linear.js';
import { blockParams } from './stack.js';

/** Inputs of a pass over the first S positions of B sequences, other than the weights. */
export interface PrefillInputs<T> {
  /** States of the positions, [B, S, D]. */
  readonly x: T;
  /** Rotary table of the positions times headDim^(-1/4), as of `DecodeStep`: [1 or B, S, headDim / 2, 2]. */
  readonly table: T;
  /** Added to the scores, broadcast to [B, H, S, S]. */
  readonly mask: T;
}

const prefillKinds: KindsOf<PrefillInputs<object>> = { x: 'Tensor', table: 'Tensor', mask: 'Tensor', '*': 'any' };

/** Results of a pass: the new states, and the keys and values for the caches of later steps. */
export interface PrefillResult<T> {
  /** [B, S, D] */
  readonly x: T;
  /** One per block, [B, H, S, headDim], rotated by the scaled table. */
  readonly keys: readonly T[];
  /** One per block, [B, H, S, headDim]. */
  readonly values: readonly T[];
}

/**
 * Runs the first positions through the blocks `prefix.0`, `prefix.1`, ... of a transformer at once. The results are those
 * of `decodeStack` for one position after the other.
 */
export function prefillStack<T>(
  ops: Ops<T>,
  parameters: Tensors<T>,
  prefix: string,
  layers: number,
  inputs: PrefillInputs<T>,
  config: StackConfig,
): PrefillResult<T> {
  checkArguments(
    'prefillStack',
    { ops, parameters, prefix, layers, inputs, config },
    {
      ops: 'Ops',
      parameters: 'object',
      prefix: 'string',
      layers: 'number',
      inputs: prefillKinds,
      config: stackConfigKinds,
    },
  );

  const keys: T[] = [];
  const values: T[] = [];
  let { x } = inputs;
  for (let layer = 0; layer < layers; layer++) {
    const result = prefillBlock(ops, parameters, `${prefix}.${layer}`, { ...inputs, x }, config);
    x = result.x;
    keys.push(result.key);
    values.push(result.value);
  }
  return { x, keys, values };
}

/** Runs the first positions through one block; see {@link prefillStack}. */
export function prefillBlock<T>(
  ops: Ops<T>,
  parameters: Tensors<T>,
  block: string,
  inputs: PrefillInputs<T>,
  config: StackConfig,
): { x: T; key: T; value: T } {
  checkArguments(
    'prefillBlock',
    { ops, parameters, block, inputs, config },
    { ops: 'Ops', parameters: 'object', block: 'string', inputs: prefillKinds, config: stackConfigKinds },
  );

  const p = blockParams(parameters, block);
  const normed = ops.rmsNorm(inputs.x, p.attentionNorm, config.normEps);
  const { mixed, key, value } = prefillAttention(ops, p.attention, { ...inputs, x: normed }, config.nHead);
  const h = ops.add(inputs.x, mixed); // [B, S, D]
  return { x: ops.add(h, swiGlu(ops, p.feedForward, ops.rmsNorm(h, p.ffnNorm, config.normEps))), key, value };
}

function prefillAttention<T>(
  ops: Ops<T>,
  p: AttentionParams<T>,
  { x, table, mask }: PrefillInputs<T>,
  H: number,
): { mixed: T; key: T; value: T } {
  const [B = 0, S = 0, D = 0] = ops.shapeOf(x);
  const heads = (rows: T, count: number): T => ops.transpose(ops.reshape(rows, [B, S, count, D / H]), [0, 2, 1, 3]); // [B, count, S, headDim]
  const [qk, v] = ops.split(linear(ops, p.wqkv, x), -1, [2 * D, D]) as [T, T];
  const [query, key] = ops.split(heads(ops.rotary(qk, table), 2 * H), 1, [H, H]) as [T, T];
  const value = heads(v, H);
  // The scaled table has scaled the scores.
  const weights = ops.softmax(ops.add(ops.matmul(query, key, { transposeB: true }), mask)); // [B, H, S, S]
  const mixed = ops.reshape(ops.transpose(ops.matmul(weights, value), [0, 2, 1, 3]), [B, S, D]);
  return { mixed: linear(ops, p.wo, mixed), key, value };
}
