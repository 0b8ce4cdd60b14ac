import type { Json } from '@dpar/nn';
import { codebookName, vqPresets } from '@dpar/tokenizer';
import { blockCount, commonSize, type Place } from './infer-sizes.js';
import type { InferredConfig } from './inferred-config.js';
import type { Shapes } from './kinds.js';

/** Usual values of keys that no shape depends on. */
const usualKeys = { codebook_l2_norm: true, image_size: 256 };

/**
 * Infers config.json of LlamaGen's tokenizer from the shapes of its parameters, of which some may be missing or misshapen.
 * A size without a source is that of VQ-16.
 *
 * @param given Known keys of config.json, which take precedence.
 */
export function inferVqConfig(shapes: Shapes, given: Json): InferredConfig {
  const usual = vqPresets['VQ-16'];
  const size = (otherwise: number, ...places: Place[]): number => commonSize(shapes, places) ?? otherwise;
  const ch = size(usual.ch, [/^encoder\.conv_in\.(weight|bias)$/, 0], [/^encoder\.conv_blocks\.0\.res\.0\.norm1\./, 0]);
  const levels: number[] = [];
  for (let i = 0; i < blockCount(shapes, 'encoder.conv_blocks'); i++) {
    const block = new RegExp(`^encoder\\.conv_blocks\\.${i}\\.res\\.\\d+\\.(conv[12]\\.(weight|bias)|norm2\\.\\w+)$`);
    levels.push(Math.max(1, Math.round(size(ch, [block, 0]) / ch)));
  }
  const config = {
    kind: 'vq',
    ch,
    ch_mult: levels.length > 0 ? levels : usual.chMult,
    num_res_blocks: blockCount(shapes, 'encoder.conv_blocks.0.res') || usual.numResBlocks,
    z_channels: size(
      usual.zChannels,
      [/^encoder\.conv_out\.(weight|bias)$/, 0],
      [/^decoder\.conv_in\.weight$/, 1],
      [/^quant_conv\.weight$/, 1],
      [/^post_quant_conv\.(weight|bias)$/, 0],
    ),
    codebook_size: shapes.get(codebookName)?.[0] ?? usual.codebookSize,
    codebook_embed_dim: size(
      usual.codebookEmbedDim,
      [/^quantize\.embedding\.weight$/, 1],
      [/^quant_conv\.(weight|bias)$/, 0],
      [/^post_quant_conv\.weight$/, 1],
    ),
    ...usualKeys,
    ...given,
  };
  const assumed = Object.entries(usualKeys).filter(([key]) => given[key] === undefined);
  return { config, assumed: assumed.map(([key, value]) => `${key} ${value} (usual)`), missing: [] };
}
