import { DparError } from '@dpar/tensor';
import { codebookName } from '@dpar/tokenizer';
import type { InferredConfig, Shapes } from './infer-config.js';

/** Whether parameters are those of LlamaGen's tokenizer. */
export function isVqTokenizer(shapes: Shapes): boolean {
  return shapes.has(codebookName) && shapes.has('encoder.conv_in.weight') && shapes.has('decoder.conv_in.weight');
}

/**
 * The config.json of LlamaGen's tokenizer, of the shapes of its parameters.
 * @param given Keys of config.json that are known; they come before all others.
 * @throws DparError if the shapes are not those of such a tokenizer.
 */
export function inferVqConfig(shapes: Shapes, given: Readonly<Record<string, unknown>>): InferredConfig {
  const ch = sizeOf(shapes, 'encoder.conv_in.weight', 0);
  const levels: number[] = [];
  const levelOf = (i: number) => `encoder.conv_blocks.${i}.res`;
  while (shapes.has(`${levelOf(levels.length)}.0.conv1.weight`)) {
    levels.push(sizeOf(shapes, `${levelOf(levels.length)}.0.conv1.weight`, 0) / ch);
  }
  let blocks = 0;
  while (shapes.has(`${levelOf(0)}.${blocks}.conv1.weight`)) blocks++;
  const told = {
    kind: 'vq',
    ch,
    ch_mult: levels,
    num_res_blocks: blocks,
    z_channels: sizeOf(shapes, 'encoder.conv_out.weight', 0),
    codebook_size: sizeOf(shapes, codebookName, 0),
    codebook_embed_dim: sizeOf(shapes, codebookName, 1),
  };
  const usual = { codebook_l2_norm: true, image_size: 256 };
  const assumed = Object.entries(usual).filter(([key]) => given[key] === undefined);
  return {
    config: { ...told, ...usual, ...given },
    assumed: assumed.map(([key, value]) => `${key} ${value} (usual)`),
  };
}

function sizeOf(shapes: Shapes, name: string, axis: number): number {
  const size = shapes.get(name)?.[axis];
  if (size !== undefined && size > 0) return size;
  throw new DparError(
    `importCheckpoint: expected ${name} of LlamaGen's tokenizer, got ${shapes.has(name) ? 'another shape' : 'none'}. ` +
      'Save model.state_dict().',
  );
}
