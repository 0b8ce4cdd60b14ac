import { named } from '@dpar/tensor';
import { type PatchVqConfig, patchVqFields, readPatchVqConfig, writePatchVqConfig } from '../patch-vq/config.js';
import { patchVqDecode, patchVqEncode, patchVqSpecs } from '../patch-vq/model.js';
import { createPatchVq } from '../patch-vq/tokenizer.js';
import type { TokenizerKind } from './tokenizer-kind.js';

/** The small patch VQ tokenizer as a kind of model. */
export const patchVqKind: TokenizerKind<PatchVqConfig> = {
  name: 'patch-vq',
  title: 'patch VQ tokenizer',
  fields: patchVqFields,
  presets: {},
  readConfig: readPatchVqConfig,
  writeConfig: writePatchVqConfig,
  specs: patchVqSpecs,
  recognise: (names) => names.includes('codebook.weight') && names.includes('decoder.context.weight'),
  pixelsPerCode: ({ patchSize }) => patchSize,
  encodeFunction: (config) => (ops, x) => ({ codes: patchVqEncode(ops, config, x, named(x, 'image')) }),
  decodeFunction: (config) => (ops, x) => ({ image: patchVqDecode(ops, config, x, named(x, 'codes')) }),
  hasLatents: false,
  create: createPatchVq,
};
