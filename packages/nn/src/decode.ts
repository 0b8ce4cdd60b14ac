import type { KindsOf } from '@dpar/check';
import type { Ops, Tensors } from '@dpar/tensor';
import type { AttentionParams } from './attention.js';
import { checkArguments } from './check-arguments.js';
import { swiGlu } from './feed-forward.js';
import { type StackConfig, stackConfigKinds } from './gpt-config.js';
import { linear } from './linear.js';
import { blockParams } from './stack.js';

/** Keys and values of the positions that one block has seen. C cached sequences, room for L positions. */
export interface BlockCache<T> {
  /** [C, H, L, headDim], rotated by scaled tables */
  readonly keys: T;
  /** [C, H, L, headDim] */
  readonly values: T;
}

const blockCacheKinds: KindsOf<BlockCache<object>> = { keys: 'Tensor', values: 'Tensor', '*': 'any' };

/** The cached sequences that take part in a step: R of C. */
export interface CacheSelection<T> {
  /** int32 [R]: the cached sequence of each row. */
  readonly rows: T;
  /** int32 [C]: the row of each cached sequence; any row for a sequence that takes no part. */
  readonly places: T;
}

const cacheSelectionKinds: KindsOf<CacheSelection<object>> = { rows: 'Tensor', places: 'Tensor', '*': 'any' };

/** Inputs of one step of a transformer over R sequences, other than the weights. */
export interface DecodeStep<T> {
  /** States of the new position, [R, D]. */
  readonly x: T;
  /**
   * Rotary table of the new position times headDim^(-1/4), [1 or R, 1, headDim / 2, 2]. Rotated queries and keys then
   * contain the scale of attention. See {@link scaledTable}.
   */
  readonly table: T;
  /** Added to the scores of cached positions, [1 or C, 1, 1, L]: hides positions that are empty or invisible. */
  readonly mask: T;
  /** One cache per block. */
  readonly caches: readonly BlockCache<T>[];
  /** Required if some of the cached sequences take no part. */
  readonly selection?: CacheSelection<T>;
}

/** Kinds of {@link DecodeStep}. */
export const decodeStepKinds: KindsOf<DecodeStep<object>> = {
  x: 'Tensor',
  table: 'Tensor',
  mask: 'Tensor',
  caches: 'object[]',
  'selection?': cacheSelectionKinds,
  '*': 'any',
};

/** Scales the angles of a rotary table for {@link DecodeStep}. */
export function scaledTable(table: Float32Array, headDim: number): Float32Array {
  checkArguments('scaledTable', { table, headDim }, { table: 'Float32Array', headDim: 'number' });

  const scale = headDim ** -0.25;
  return table.map((value) => scale * value);
}

/** Results of a step: the new states, and the keys and values to write to the caches at the next position. */
export interface DecodeResult<T> {
  /** [R, D] */
  readonly x: T;
  /** One per block, [R, H, headDim, 1]. */
  readonly keys: readonly T[];
  /** One per block, [R, D]. */
  readonly values: readonly T[];
}

/**
 * Self-attention of one new position to the cached ones and itself. Caches are never copied: with a selection, queries are
 * laid out for all cached sequences, and the results of the selected ones are picked.
 */
function decodeAttention<T>(
  ops: Ops<T>,
  p: AttentionParams<T>,
  x: T,
  { table, mask, selection }: Omit<DecodeStep<T>, 'x' | 'caches'>,
  cache: BlockCache<T>,
): { mixed: T; k: T; v: T } {
  const [R = 0, D = 0] = ops.shapeOf(x);
  const [C = 0, H = 0, L = 0, headDim = 0] = ops.shapeOf(cache.keys);
  const [qk, v] = ops.split(linear(ops, p.wqkv, x), -1, [2 * D, D]) as [T, T]; // [R, 2 D], [R, D]
  const rotated = ops.reshape(ops.rotary(ops.reshape(qk, [R, 1, 2 * D]), table), [R, 2 * H, headDim, 1]);
  const heads = (rows: T): T[] => ops.split(rows, 1, [H, H]);
  const inCache = (rows: T): T => (selection ? ops.takeRows(rows, selection.places) : rows);
  const [query, key] = heads(inCache(rotated)) as [T, T]; // [C, H, headDim, 1]
  const value = ops.reshape(inCache(v), [C, H, 1, headDim]);
  const past = ops.reshape(ops.matmul(cache.keys, query), [C, H, 1, L]);
  const present = ops.sum(ops.mul(query, key), { axes: 2, keepDims: true }); // [C, H, 1, 1]
  const weights = ops.softmax(ops.concat([ops.add(past, mask), present], -1)); // [C, H, 1, L + 1]
  const [wPast, wPresent] = ops.split(weights, -1, [L, 1]) as [T, T];
  const mixed = ops.add(ops.matmul(wPast, cache.values), ops.mul(wPresent, value)); // [C, H, 1, headDim]
  const flat = ops.reshape(mixed, [C, D]);
  const k = selection ? (heads(rotated)[1] as T) : key; // [R, H, headDim, 1]
  return { mixed: linear(ops, p.wo, selection ? ops.takeRows(flat, selection.rows) : flat), k, v };
}

/** Runs one position through the blocks `prefix.0`, `prefix.1`, ... of a transformer, with cached keys and values. */
export function decodeStack<T>(
  ops: Ops<T>,
  parameters: Tensors<T>,
  prefix: string,
  step: DecodeStep<T>,
  config: StackConfig,
): DecodeResult<T> {
  checkArguments(
    'decodeStack',
    { ops, parameters, prefix, step, config },
    { ops: 'Ops', parameters: 'object', prefix: 'string', step: decodeStepKinds, config: stackConfigKinds },
  );

  const keys: T[] = [];
  const values: T[] = [];
  let h = step.x;
  step.caches.forEach((cache, layer) => {
    const result = decodeBlock(ops, parameters, `${prefix}.${layer}`, { ...step, x: h }, cache, config);
    h = result.x;
    keys.push(result.key);
    values.push(result.value);
  });
  return { x: h, keys, values };
}

/** Runs one position through one block; see {@link decodeStack}. */
export function decodeBlock<T>(
  ops: Ops<T>,
  parameters: Tensors<T>,
  block: string,
  step: Omit<DecodeStep<T>, 'caches'>,
  cache: BlockCache<T>,
  config: StackConfig,
): { x: T; key: T; value: T } {
  checkArguments(
    'decodeBlock',
    { ops, parameters, block, step, cache, config },
    {
      ops: 'Ops',
      parameters: 'object',
      block: 'string',
      step: { x: 'Tensor', table: 'Tensor', mask: 'Tensor', 'selection?': cacheSelectionKinds, '*': 'any' },
      cache: blockCacheKinds,
      config: stackConfigKinds,
    },
  );

  const p = blockParams(parameters, block);
  const normed = ops.rmsNorm(step.x, p.attentionNorm, config.normEps);
  const { mixed, k, v } = decodeAttention(ops, p.attention, normed, step, cache);
  const h = ops.add(step.x, mixed); // [R, D]
  return { x: ops.add(h, swiGlu(ops, p.feedForward, ops.rmsNorm(h, p.ffnNorm, config.normEps))), key: k, value: v };
}
