import { blockParams, causalMask, gridRotaryTable, linear, parameter, transformerBlock } from '@dpar/nn';
import type { Ops, Tensors } from '@dpar/tensor';
import type { DparConfig } from './config.js';
import { type PatchMaps, patchesOfTokens } from './patch-maps.js';

/**
 * Local decoder: before each causal block over tokens, position i is given the global state that was reached when the
 * patch before that of token i was finished. (A cross-attention to one key: no queries, keys or softmax are needed.)
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
): T {
  const [B = 0, read = 0, D = 0] = ops.shapeOf(tokens);
  const start = ops.broadcast(parameter(parameters, 'decoder_start_embedding.weight'), [B, 1, D]);
  let h = ops.concat([start, tokens], 1); // [B, N, D]
  const table = gridRotaryTable(ops, config, read + 1);
  const mask = causalMask(ops, read + 1);
  for (let layer = 0; layer < config.nLocalDecoderLayers; layer++) {
    const cross = `local_decoder.cross_attn_layers.${layer}`;
    const norm = parameter(parameters, `${cross}.cross_attn_norm_kv.weight`);
    // Projected once per patch, then handed to the patch's tokens.
    const context = linear(ops, parameter(parameters, `${cross}.wo.weight`), ops.rmsNorm(global, norm, config.normEps));
    h = ops.add(h, patchesOfTokens(ops, context, maps));
    const block = blockParams(parameters, `local_decoder.layers.${layer}`);
    h = transformerBlock(ops, block, h, table, mask, config.normEps);
  }
  return h;
}
