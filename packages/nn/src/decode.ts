import type { Ops, Tensors } from '@dpar/tensor';
import type { AttentionParams } from './attention.js';
import { swiGlu } from './feed-forward.js';
import { linear } from './linear.js';
import { additiveMask } from './mask.js';
import { blockParams, type StackConfig } from './stack.js';

/** Keys and values of the positions that one block has seen. C cached sequences, room for L positions. */
export interface BlockCache<T> {
  /** [C, H, L, headDim], already rotated */
  readonly keys: T;
  /** [C, H, L, headDim] */
  readonly values: T;
}

/** One step of a transformer over R sequences: what it reads beside the weights. */
export interface DecodeStep<T> {
  /** States of the new position, [R, 1, D]. */
  readonly x: T;
  /** Rotary table of the new position, [1 or R, 1, headDim / 2, 2]. */
  readonly table: T;
  /** int32 [R]: how many cached positions each sequence has. */
  readonly lengths: T;
  /** int32 [R]: first cached position that a sequence sees; all by default. */
  readonly starts?: T;
  /** Caches, one per block. */
  readonly caches: readonly BlockCache<T>[];
}

/** What a step gives: the new states, and what is to be written to the caches at position `lengths`. */
export interface DecodeResult<T> {
  /** [R, 1, D] */
  readonly x: T;
  /** One per block, [R, H, headDim]. */
  readonly keys: readonly T[];
  readonly values: readonly T[];
}

/** Self-attention of one new position to the cached ones and itself. The cache is read where it lies, never copied. */
function decodeAttention<T>(
  ops: Ops<T>,
  p: AttentionParams<T>,
  x: T,
  table: T,
  mask: T,
  cache: BlockCache<T>,
): { mixed: T; k: T; v: T } {
  const [R = 0, , D = 0] = ops.shapeOf(x);
  const [, H = 0, L = 0, headDim = 0] = ops.shapeOf(cache.keys);
  const [qk, values] = ops.split(linear(ops, p.wqkv, x), -1, [2 * D, D]) as [T, T]; // [R, 1, 2 D], [R, 1, D]
  const rotated = ops.reshape(ops.rotary(qk, table), [R, 2, H, headDim]);
  const [q, k] = ops.split(rotated, 1, [1, 1]).map((part) => ops.reshape(part, [R, H, 1, headDim])) as [T, T];
  const v = ops.reshape(values, [R, H, 1, headDim]);
  const scale = headDim ** -0.5;
  const past = ops.add(ops.matmul(q, cache.keys, { transposeB: true, scale }), mask); // [R, H, 1, L]
  const present = ops.mul(ops.sum(ops.mul(q, k), { axes: -1, keepDims: true }), scale); // [R, H, 1, 1]
  const weights = ops.softmax(ops.concat([past, present], -1)); // [R, H, 1, L + 1]
  const [wPast, wPresent] = ops.split(weights, -1, [L, 1]) as [T, T];
  const mixed = ops.add(ops.matmul(wPast, cache.values), ops.mul(wPresent, v)); // [R, H, 1, headDim]
  return { mixed: linear(ops, p.wo, ops.reshape(mixed, [R, 1, D])), k, v };
}

/** One position through the blocks `prefix.0` ... of a transformer, with cached keys and values. */
export function decodeStack<T>(
  ops: Ops<T>,
  parameters: Tensors<T>,
  prefix: string,
  step: DecodeStep<T>,
  config: StackConfig,
): DecodeResult<T> {
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

/** One position through one block; see {@link decodeStack}. */
export function decodeBlock<T>(
  ops: Ops<T>,
  parameters: Tensors<T>,
  block: string,
  step: Omit<DecodeStep<T>, 'caches'>,
  cache: BlockCache<T>,
  config: StackConfig,
): { x: T; key: T; value: T } {
  const p = blockParams(parameters, block);
  const [R = 0] = ops.shapeOf(step.x);
  const [, H = 0, L = 0, headDim = 0] = ops.shapeOf(cache.keys);
  const normed = ops.rmsNorm(step.x, p.attentionNorm, config.normEps);
  const mask = cacheMask(ops, L, step.lengths, step.starts);
  const { mixed, k, v } = decodeAttention(ops, p.attention, normed, step.table, mask, cache);
  const h = ops.add(step.x, mixed);
  return {
    x: ops.add(h, swiGlu(ops, p.feedForward, ops.rmsNorm(h, p.ffnNorm, config.normEps))),
    key: ops.reshape(k, [R, H, headDim]),
    value: ops.reshape(v, [R, H, headDim]),
  };
}

/** Mask [R, 1, 1, L] to add to scores against a cache: hides positions not yet written, and those before `starts`. */
function cacheMask<T>(ops: Ops<T>, L: number, lengths: T, starts: T | undefined): T {
  const positions = ops.constant({ dtype: 'int32', shape: [1, L], data: Int32Array.from({ length: L }, (_, i) => i) });
  const [R = 0] = ops.shapeOf(lengths);
  const written = ops.less(positions, ops.reshape(lengths, [R, 1])); // [R, L]
  const visible = starts ? ops.and(written, ops.lessEqual(ops.reshape(starts, [R, 1]), positions)) : written;
  return ops.reshape(additiveMask(ops, visible), [R, 1, 1, L]);
}
