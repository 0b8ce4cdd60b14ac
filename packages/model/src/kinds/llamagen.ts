import {
  classNumbers,
  gptMatmulMacs,
  hasGptBlocks,
  type ImageModelKind,
  imageTokens,
  integers,
  withoutPatches,
  writeConfig,
} from '@dpar/nn';
import { named } from '@dpar/tensor';
import { type LlamaGenConfig, llamaGenFields, readLlamaGenConfig, writeLlamaGenConfig } from '../config.js';
import { llamaGen } from '../llamagen.js';
import { llamaGenPreset, presetsOf } from '../presets.js';
import { llamaGenSpecs } from '../specs.js';

/** LlamaGen as a kind of model: one step of a class-conditional transformer for each token. */
export const llamaGenKind: ImageModelKind<LlamaGenConfig> = {
  name: 'llamagen',
  title: 'LlamaGen',
  fields: llamaGenFields,
  presets: presetsOf((size, options) => writeConfig(llamaGenPreset(size, options))),
  hasClasses: true,
  outputNames: { logits: 'logits', loss: 'loss' },
  ...withoutPatches<LlamaGenConfig>(({ blockSize }) => blockSize),
  readConfig: readLlamaGenConfig,
  writeConfig: writeLlamaGenConfig,
  specs: llamaGenSpecs,
  recognise: (names) => hasGptBlocks(names) && names.includes('cls_embedding.embedding_table.weight'),
  outputs: (ops, config, tensors, training) => ({
    ...llamaGen(ops, config, tensors, named(tensors, 'tokens'), named(tensors, 'labels'), training),
  }),
  inputs: (_, { tokens, labels }) => ({ tokens, labels }),
  teacherForced: (config) => ({
    description: 'LlamaGen (class-conditional): one teacher-forced pass.',
    inputs: { tokens: imageTokens(config.blockSize), labels: integers(['batch'], classNumbers(config)) },
    outputs: {
      logits: `[batch, ${config.blockSize}, ${config.vocabSize}]: position i predicts token i from the class and tokens 0..i - 1`,
      loss: 'mean cross-entropy over all images and tokens, nats, scalar',
    },
    fn: (ops, x) => ({ ...llamaGen(ops, config, x, named(x, 'tokens'), named(x, 'labels')) }),
  }),
  matmulMacs: gptMatmulMacs,
};
