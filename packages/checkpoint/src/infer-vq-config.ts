import { codebookName, vqPresets } from '@dpar/tokenizer';
import type { InferredConfig, Shapes } from './recognise.js';
import { blockCount, commonSize, type Place } from './shape-votes.js';

/**
 * The config.json of LlamaGen's tokenizer, of the shapes of its parameters, also where some are missing or have another
 * shape. What no shape tells is that of VQ-16.
 *
 * @param given Keys of config.json that are known; they come before all others.
 */
export function inferVqConfig(shapes: Shapes, given: Readonly<Record<string, unknown>>): InferredConfig {
  const usual = vqPresets['VQ-16'];
  const size = (otherwise: number, ...places: Place[]): number => commonSize(shapes, places) ?? otherwise;
  const ch = size(usual.ch, [/^encoder\.conv_in\.(weight|bias)$/, 0], [/^encoder\.conv_blocks\.0\.res\.0\.norm1\./, 0]);
  const levels: number[] = [];
  for (let i = 0; i < blockCount(shapes, 'encoder.conv_blocks'); i++) {
    const block = new RegExp(`^encoder\\.conv_blocks\\.${i}\\.res\\.\\d+\\.(conv[12]\\.(weight|bias)|norm2\\.\\w+)$`);
    levels.push(Math.max(1, Math.round(size(ch, [block, 0]) / ch)));
  }
  const told = {
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
  };
  const untold = { codebook_l2_norm: true, image_size: 256 };
  const assumed = Object.entries(untold).filter(([key]) => given[key] === undefined);
  return {
    config: { ...told, ...untold, ...given },
    assumed: assumed.map(([key, value]) => `${key} ${value} (usual)`),
    missing: [],
  };
}
