import { additiveMask, blockCausalMask, blockParams, causalMask, gridRotaryTable, linear, parameter, transformerBlock } from '@dpar/nn';
import type { Ops, Tensors } from '@dpar/tensor';
import type { DparConfig } from './config.js';
import { patchOfTokens, type PatchMaps, tokensOfPatches } from './patch-maps.js';

/**
 * Cross-attention of a patch (the query) to its own tokens; no positional rotation.
 * @param patches [B, M, D]
 * @param tokens [B, N, D], the states that keys and values are made of
 * @returns What is to be added to the patches, [B, M, D].
 */
function attendToOwnTokens<T>(
  ops: Ops<T>,
  parameters: Tensors<T>,
  layer: string,
  patches: T,
  tokens: T,
  maps: PatchMaps<T>,
  config: DparConfig,
): T {
  const [B = 0, M = 0, D = 0] = ops.shapeOf(patches);
  const P = ops.shapeOf(maps.slotMask)[2] ?? 0;
  const H = config.nHead;
  const headDim = D / H;
  const weight = (name: string): T => parameter(parameters, `${layer}.${name}.weight`);
  const q = linear(ops, weight('wq'), ops.rmsNorm(patches, weight('cross_attn_norm_q'), config.normEps)); // [B, M, D]
  const source = ops.rmsNorm(tokens, weight('cross_attn_norm_kv'), config.normEps); // [B, N, D]
  // Keys and values are projected once per token, then laid out by patch.
  const k = tokensOfPatches(ops, linear(ops, weight('wk'), source), maps); // [B, M, P, D]
  const v = tokensOfPatches(ops, linear(ops, weight('wv'), source), maps); // [B, M, P, D]
  const products = ops.mul(k, ops.reshape(q, [B, M, 1, D]));
  const scores = ops.sum(ops.reshape(products, [B, M, P, H, headDim]), { axes: -1 }); // [B, M, P, H]
  const mask = additiveMask(ops, ops.reshape(maps.slotMask, [B, M, 1, P]));
  const scaled = ops.mul(ops.transpose(scores, [0, 1, 3, 2]), headDim ** -0.5); // [B, M, H, P]
  const weights = ops.transpose(ops.softmax(ops.add(scaled, mask)), [0, 1, 3, 2]); // [B, M, P, H]
  const weighted = ops.mul(ops.reshape(v, [B, M, P, H, headDim]), ops.reshape(weights, [B, M, P, H, 1]));
  const mixed = ops.reshape(ops.sum(weighted, { axes: 2 }), [B, M, D]);
  return linear(ops, weight('wo'), mixed);
}

/**
 * Element-wise maximum over the tokens of each patch.
 * @param tokens [B, N, D]
 * @returns [B, M, D]; zeros for padded patches
 */
function poolPatches<T>(ops: Ops<T>, tokens: T, maps: PatchMaps<T>): T {
  const slots = tokensOfPatches(ops, tokens, maps); // [B, M, P, D]
  const visible = ops.reshape(maps.slotMask, [...ops.shapeOf(maps.slotMask), 1]);
  return ops.max(ops.select(visible, slots, -1e30), { axes: 2 });
}

/** What the local encoder gives. */
export interface LocalEncoderOutputs<T> {
  /** Token states [B, N - 1, D]. */
  readonly tokens: T;
  /** Patch embeddings [B, M, D]; those of padded patches and of the last patch have no meaning. */
  readonly patches: T;
}

/**
 * Local encoder: causal blocks over tokens; patches are pooled after the first and refined after each.
 * @param embedded Token embeddings [B, N - 1, D]: the last of the N tokens that are predicted is never read.
 */
export function localEncoder<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  embedded: T,
  maps: PatchMaps<T>,
): LocalEncoderOutputs<T> {
  const length = ops.shapeOf(embedded)[1] ?? 0;
  const table = gridRotaryTable(ops, { ...config, clsTokenNum: 0 }, length);
  const mask = config.encoderBlockCausal
    ? blockCausalMask(ops, ops.slice(patchOfTokens(ops, maps), 1, 0, length))
    : causalMask(ops, length);
  let tokens = embedded;
  let patches: T | undefined;
  for (let layer = 0; layer < config.nLocalEncoderLayers; layer++) {
    const block = blockParams(parameters, `local_encoder.layers.${layer}`);
    tokens = transformerBlock(ops, block, tokens, table, mask, config.normEps);
    const states = ops.pad(tokens, 1, 0, 1); // [B, N, D]: a place for the token that is not read
    patches ??= poolPatches(ops, states, maps);
    const cross = `local_encoder.cross_attn_layers.${layer}`;
    patches = ops.add(patches, attendToOwnTokens(ops, parameters, cross, patches, states, maps, config));
  }
  return { tokens, patches: patches as T };
}
