import { causalMask, gridRotaryTable, linear, namedBlock, type Training } from '@dpar/nn';
import { named, type Ops, type Tensors } from '@dpar/tensor';
import type { DparConfig } from './config.js';
import { type PatchMaps, patchesOfTokens } from './patch-maps.js';

/**
 * Context that decoder layer `layer` adds to the tokens of a patch: the global state, normalised and projected. This is the
 * paper's cross-attention to one key, for which queries, keys and softmax change nothing.
 * @param global [..., D]
 * @returns [..., D]
 */
export function decoderContext<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  layer: number,
  global: T,
): T {
  const weight = (name: string): T => named(parameters, `local_decoder.cross_attn_layers.${layer}.${name}.weight`);
  return linear(ops, weight('wo'), ops.rmsNorm(global, weight('cross_attn_norm_kv'), config.normEps));
}

/**
 * Local decoder: causal blocks over tokens. Before each block, position i receives the global state after the last patch
 * that ended before token i's patch.
 * @param tokens Encoder states [B, N - 1, D]
 * @param global Global states [B, M, D]: of the class token, then of patches 0..M - 2
 * @returns [B, N, D]; position i predicts token i
 */
export function localDecoder<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  tokens: T,
  global: T,
  maps: PatchMaps<T>,
  training: Training<T> = {},
): T {
  const [B = 0, read = 0, D = 0] = ops.shapeOf(tokens);
  const start = ops.broadcast(named(parameters, 'decoder_start_embedding.weight'), [B, 1, D]);
  let h = ops.concat([start, tokens], 1); // [B, N, D]
  const table = gridRotaryTable(ops, config, read + 1);
  const mask = causalMask(ops, read + 1);
  for (let layer = 0; layer < config.nLocalDecoderLayers; layer++) {
    // The context is projected once per patch, then copied to the patch's tokens.
    h = ops.add(h, patchesOfTokens(ops, decoderContext(ops, config, parameters, layer, global), maps));
    h = namedBlock(ops, parameters, `local_decoder.layers.${layer}`, h, table, mask, config, training);
  }
  return h;
}
