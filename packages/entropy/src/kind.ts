import { gptMatmulMacs, hasGptBlocks, type ImageModelKind, imageTokens, withoutPatches, writeConfig } from '@dpar/nn';
import { named } from '@dpar/tensor';
import {
  type EntropyModelConfig,
  entropyModelFields,
  entropyModelPresets,
  entropyModelSpecs,
  readEntropyModelConfig,
  writeEntropyModelConfig,
} from './config.js';
import { entropyModel } from './model.js';

const presets = Object.entries(entropyModelPresets).map(([name, size]) => [name, () => writeConfig(size)] as const);

/** The entropy model as a kind of model: an unconditional GPT whose predictions decide where patches start. */
export const entropyKind: ImageModelKind<EntropyModelConfig> = {
  name: 'entropy',
  title: 'entropy model',
  fields: entropyModelFields,
  presets: Object.fromEntries(presets),
  hasClasses: false,
  outputNames: { logits: 'logits', loss: 'loss', entropies: 'entropies' },
  ...withoutPatches<EntropyModelConfig>(({ blockSize }) => blockSize - 1),
  readConfig: readEntropyModelConfig,
  writeConfig: writeEntropyModelConfig,
  specs: entropyModelSpecs,
  recognise: (names) => hasGptBlocks(names) && !names.some((name) => name.startsWith('cls_embedding.')),
  outputs: (ops, config, tensors, training) => ({
    ...entropyModel(ops, config, tensors, named(tensors, 'tokens'), training),
  }),
  inputs: (_, { tokens }) => ({ tokens }),
  teacherForced: (config) => ({
    description: 'Entropy model of DPAR: one teacher-forced pass.',
    inputs: { tokens: imageTokens(config.blockSize) },
    outputs: {
      logits: `[batch, ${config.blockSize - 1}, ${config.vocabSize}]: position j predicts token j + 1 from tokens 0..j`,
      entropies: `[batch, ${config.blockSize - 1}]: entropies of these predictions, nats`,
      loss: 'mean cross-entropy over all images and tokens, nats, scalar',
    },
    fn: (ops, x) => ({ ...entropyModel(ops, config, x, named(x, 'tokens')) }),
  }),
  matmulMacs: gptMatmulMacs,
};
