import { blockCausalMask, causalMask, gridRotaryTable, namedBlock, type Training } from '@dpar/nn';
import type { Ops, Tensors } from '@dpar/tensor';
import type { DparConfig } from './config.js';
import { attendToOwnTokens, poolPatches, type Slots } from './patch-embedding.js';
import { type PatchMaps, patchOfTokens, tokensOfPatches } from './patch-maps.js';

/** Results of the local encoder. */
export interface LocalEncoderOutputs<T> {
  /** Token states [B, N - 1, D]. */
  readonly tokens: T;
  /** Patch embeddings [B, M, D]. Embeddings of padded patches and of the last patch are undefined. */
  readonly patches: T;
}

/**
 * Local encoder: causal blocks over tokens. Patches are pooled after the first block and refined after each.
 * @param embedded Token embeddings [B, N - 1, D]. The last of the N predicted tokens is never read.
 */
export function localEncoder<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  embedded: T,
  maps: PatchMaps<T>,
  training: Training<T> = {},
): LocalEncoderOutputs<T> {
  const length = ops.shapeOf(embedded)[1] ?? 0;
  const table = gridRotaryTable(ops, { ...config, clsTokenNum: 0 }, length);
  const mask = config.encoderBlockCausal
    ? blockCausalMask(ops, ops.slice(patchOfTokens(ops, maps), 1, 0, length))
    : causalMask(ops, length);
  const slots: Slots<T> = { layOut: (x) => tokensOfPatches(ops, x, maps), mask: maps.slotMask };
  let tokens = embedded;
  let patches: T | undefined;
  for (let layer = 0; layer < config.nLocalEncoderLayers; layer++) {
    tokens = namedBlock(ops, parameters, `local_encoder.layers.${layer}`, tokens, table, mask, config, training);
    const states = ops.pad(tokens, 1, 0, 1); // [B, N, D], zeros for the token that is not read
    patches ??= poolPatches(ops, states, slots);
    patches = attendToOwnTokens(ops, config, parameters, layer, patches, states, slots);
  }
  return { tokens, patches: patches as T };
}
