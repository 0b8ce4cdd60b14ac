import { type DescribedGraph, floats, integers, modelArgument } from '@dpar/nn';
import { checkArguments } from './check-arguments.js';
import type { TokenizerModel } from './create-tokenizer.js';

/** The two graphs of a tokenizer, `encode` and `decode`, for export. */
export function tokenizerGraphs(model: TokenizerModel): DescribedGraph[] {
  checkArguments('tokenizerGraphs', { model }, { model: modelArgument });
  const { kind, config, parameters } = model;
  const { imageSize: S, codebookSize } = config;
  const T = (S / kind.pixelsPerCode(config)) ** 2;
  const codes = `codes 0 to ${codebookSize - 1} in raster order`;
  const latent = { latent: 'output of the encoder, before codes are looked up' };
  const common = { parameters, config: kind.writeConfig(config) };
  return [
    {
      ...common,
      name: 'encode',
      description: 'Image tokenizer: from images to codes.',
      fn: kind.encodeFunction(config),
      inputs: { image: floats(['batch', 3, S, S], 'red, green and blue in -1..1: byte / 127.5 - 1') },
      outputs: { codes: `[batch, ${T}]: ${codes}`, ...(kind.hasLatents ? latent : {}) },
    },
    {
      ...common,
      name: 'decode',
      description: 'Image tokenizer: from codes to images.',
      fn: kind.decodeFunction(config),
      inputs: { codes: integers(['batch', T], codes) },
      outputs: { image: `[batch, 3, ${S}, ${S}]: red, green and blue in about -1..1: byte = clip((x + 1) * 127.5)` },
    },
  ];
}
