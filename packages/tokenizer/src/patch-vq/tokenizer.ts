import { writeConfig } from '@dpar/nn';
import { type Engine, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { type Codes, compileStage, engineTokenizer, type Pixels } from '../engine-tokenizer.js';
import type { ImageTokenizer, TokenizerKind } from '../tokenizer-kind.js';
import { type PatchVqConfig, patchVqFields, readPatchVqConfig } from './config.js';
import { patchVqDecode, patchVqEncode, patchVqSpecs, patchVqTraining } from './model.js';

/** Pixels of one call of the engine: 64 images of 64 px. */
const pixelsPerCall = 64 * 64 * 64;

/** Creates a patch VQ tokenizer on an engine. Its memory grows with the pixels of an image. */
function createPatchVq(engine: Engine, config: PatchVqConfig, parameters: Tensors<HostTensor>): ImageTokenizer {
  const encoder = compileStage<Pixels, Codes>(engine, parameters, (ops, p, x) => patchVqEncode(ops, config, p, x));
  const decoder = compileStage<Codes, Pixels>(engine, parameters, (ops, p, x) => patchVqDecode(ops, config, p, x));
  return engineTokenizer({
    codebookSize: config.codebookSize,
    factor: config.patchSize,
    imageSize: config.imageSize,
    pixelsPerCall,
    encode: encoder.run,
    decode: decoder.run,
    async dispose() {
      await encoder.dispose();
      await decoder.dispose();
    },
  });
}

/** The small patch VQ tokenizer as a kind of model. */
export const patchVqKind: TokenizerKind<PatchVqConfig> = {
  name: 'patch-vq',
  title: 'patch VQ tokenizer',
  fields: patchVqFields,
  presets: {},
  readConfig: readPatchVqConfig,
  writeConfig: (config) => ({ kind: 'patch-vq', ...writeConfig(config) }),
  specs: patchVqSpecs,
  recognise: (names) => names.includes('codebook.weight') && names.includes('decoder.context.weight'),
  pixelsPerCode: ({ patchSize }) => patchSize,
  encodeFunction: (config) => (ops, x) => ({ codes: patchVqEncode(ops, config, x, named(x, 'image')) }),
  decodeFunction: (config) => (ops, x) => ({ image: patchVqDecode(ops, config, x, named(x, 'codes')) }),
  hasLatents: false,
  create: createPatchVq,
  training: patchVqTraining,
};
