import { additiveMask, linear } from '@dpar/nn';
import { named, type Ops, type Tensors } from '@dpar/tensor';
import type { DparConfig } from './config.js';

/** Slots of patches, which hold the patch's tokens. */
export interface Slots<T> {
  /** Lays token states out by patch: [B, N, D] -> [B, M, P, D], zeros in empty slots. */
  readonly layOut: (tokens: T) => T;
  /** bool [B, M, P]: true where a slot holds a token. */
  readonly mask: T;
}

/**
 * First patch embeddings: the element-wise maximum over the tokens of each patch.
 * @param tokens [B, N, D]
 * @returns [B, M, D]; zeros for padded patches
 */
export function poolPatches<T>(ops: Ops<T>, tokens: T, slots: Slots<T>): T {
  const visible = ops.reshape(slots.mask, [...ops.shapeOf(slots.mask), 1]);
  return ops.max(ops.select(visible, slots.layOut(tokens), -1e30), { axes: 2 });
}

/**
 * Refines patch embeddings by cross-attention with a residual. A patch is the query, its own tokens are keys and values.
 * Both sides are normalised; there are no positions.
 * @param patches [B, M, D]
 * @param tokens [B, N, D]
 * @returns [B, M, D]
 */
export function attendToOwnTokens<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  layer: number,
  patches: T,
  tokens: T,
  slots: Slots<T>,
): T {
  const [B = 0, M = 0, D = 0] = ops.shapeOf(patches);
  const P = ops.shapeOf(slots.mask)[2] ?? 0;
  const H = config.nHead;
  const headDim = D / H;
  const weight = (name: string): T => named(parameters, `local_encoder.cross_attn_layers.${layer}.${name}.weight`);
  const q = linear(ops, weight('wq'), ops.rmsNorm(patches, weight('cross_attn_norm_q'), config.normEps)); // [B, M, D]
  const source = ops.rmsNorm(tokens, weight('cross_attn_norm_kv'), config.normEps); // [B, N, D]
  // Keys and values are projected once per token, then laid out by patch.
  const k = slots.layOut(linear(ops, weight('wk'), source)); // [B, M, P, D]
  const v = slots.layOut(linear(ops, weight('wv'), source)); // [B, M, P, D]
  const products = ops.mul(k, ops.reshape(q, [B, M, 1, D]));
  const scores = ops.sum(ops.reshape(products, [B, M, P, H, headDim]), { axes: -1 }); // [B, M, P, H]
  const mask = additiveMask(ops, ops.reshape(slots.mask, [B, M, 1, P]));
  const scaled = ops.mul(ops.transpose(scores, [0, 1, 3, 2]), headDim ** -0.5); // [B, M, H, P]
  const weights = ops.transpose(ops.softmax(ops.add(scaled, mask)), [0, 1, 3, 2]); // [B, M, P, H]
  const weighted = ops.mul(ops.reshape(v, [B, M, P, H, headDim]), ops.reshape(weights, [B, M, P, H, 1]));
  const mixed = ops.reshape(ops.sum(weighted, { axes: 2 }), [B, M, D]);
  return ops.add(patches, linear(ops, weight('wo'), mixed));
}
