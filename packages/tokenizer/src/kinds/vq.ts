import { writeConfig } from '@dpar/nn';
import { readVqConfig, type VqConfig, vqFactor, vqFields, vqPresets, writeVqConfig } from '../vq/config.js';
import { vqDecodeFunction, vqEncodeFunction } from '../vq/model.js';
import { usageCount, vqSpecs } from '../vq/specs.js';
import { createVq } from '../vq/tokenizer.js';
import type { TokenizerKind } from './tokenizer-kind.js';

/** Names that only LlamaGen's tokenizer has. */
const ownName = /^((encoder|decoder)\.(conv_in|conv_out|conv_blocks|mid|norm_out)\.|quantize\.|(post_)?quant_conv\.)/;

const presets = Object.entries(vqPresets).map(([name, config]) => [name, () => writeConfig(config)] as const);

/** LlamaGen's VQ tokenizer as a kind of model. */
export const vqKind: TokenizerKind<VqConfig> = {
  name: 'vq',
  title: "LlamaGen's tokenizer",
  fields: vqFields,
  presets: Object.fromEntries(presets),
  readConfig: readVqConfig,
  writeConfig: writeVqConfig,
  specs: vqSpecs,
  ignored: [usageCount],
  recognise: (names) => names.filter((name) => ownName.test(name)).length > names.length / 2,
  pixelsPerCode: vqFactor,
  encodeFunction: vqEncodeFunction,
  decodeFunction: vqDecodeFunction,
  hasLatents: true,
  create: createVq,
};
