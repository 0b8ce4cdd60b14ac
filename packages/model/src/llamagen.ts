import {
  checkHeads,
  classNumbers,
  crossEntropy,
  gptLogits,
  gptMatmulMacs,
  gptSpecs,
  hasGptBlocks,
  type ImageModelKind,
  imageTokens,
  integers,
  readConfig,
  type Training,
  withoutPatches,
  writeConfig,
} from '@dpar/nn';
import { named, type Ops, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { checkGrid, type LlamaGenConfig, llamaGenConfigKinds, llamaGenFields } from './config.js';
import { llamaGenPreset, presetsOf } from './presets.js';

/** Results of one teacher-forced pass of LlamaGen. T tokens per image, V codes. */
export interface LlamaGenOutputs<T> {
  /** [B, T, V], position i predicts token i from the class and tokens 0..i - 1. */
  readonly logits: T;
  /** Scalar, nats: mean cross-entropy over all tokens. */
  readonly loss: T;
}

/**
 * One teacher-forced pass of LlamaGen.
 * @param tokens int32 [B, T]
 * @param labels int32 [B]; `numClasses` is the null class
 * @param training Dropout, other targets and recomputation; default: none.
 */
export function llamaGen<T>(
  ops: Ops<T>,
  config: LlamaGenConfig,
  parameters: Tensors<T>,
  tokens: T,
  labels: T,
  training: Training<T> = {},
): LlamaGenOutputs<T> {
  checkArguments(
    'llamaGen',
    { ops, config, parameters, tokens, labels, training },
    {
      ops: 'Ops',
      config: llamaGenConfigKinds,
      parameters: 'object',
      tokens: 'Tensor',
      labels: 'Tensor',
      'training?': 'object',
    },
  );

  const length = ops.shapeOf(tokens)[1] ?? 0;
  const read = ops.slice(tokens, 1, 0, length - 1); // [B, T - 1]
  const logits = gptLogits(ops, config, parameters, read, labels, training); // [B, T, V]
  return { logits, loss: crossEntropy(ops, logits, training.targets ?? tokens) };
}

/** LlamaGen as a kind of model: one step of a class-conditional transformer for each token. */
export const llamaGenKind: ImageModelKind<LlamaGenConfig> = {
  name: 'llamagen',
  title: 'LlamaGen',
  fields: llamaGenFields,
  presets: presetsOf((size, options) => writeConfig(llamaGenPreset(size, options))),
  hasClasses: true,
  outputNames: () => ({ logits: 'logits', loss: 'loss' }),
  ...withoutPatches<LlamaGenConfig>(({ blockSize }) => blockSize),
  readConfig(json) {
    const config = readConfig('llamaGenKind.readConfig', json, llamaGenFields);
    checkGrid('llamaGenKind.readConfig', config);
    checkHeads('llamaGenKind.readConfig', config);
    return config;
  },
  writeConfig: (config) => ({ kind: 'llamagen', ...writeConfig(config) }),
  specs: gptSpecs,
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
