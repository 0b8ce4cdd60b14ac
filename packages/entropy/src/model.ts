import {
  argumentKinds,
  checkHeads,
  crossEntropy,
  entropyOfLogits,
  type Field,
  type Fields,
  type GptConfig,
  gptFields,
  gptLogits,
  gptMatmulMacs,
  gptSpecs,
  hasGptBlocks,
  type ImageModelKind,
  imageTokens,
  readConfig,
  type Training,
  wholeNumber,
  withoutPatches,
  writeConfig,
} from '@dpar/nn';
import { named, type Ops, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** Configuration of the entropy model: an unconditional GPT over image tokens. */
export interface EntropyModelConfig extends GptConfig {
  /** No class token. */
  readonly clsTokenNum: 0;
}

const fields: Fields<EntropyModelConfig> = { ...gptFields, clsTokenNum: wholeNumber(0, 0) as Field<0> };

const configKinds = argumentKinds(fields);

/** Sizes of the paper: GPT-B (110M), about half of it (Table S5), and small ones that train on a CPU. */
export const entropyModelPresets = {
  B: { dim: 768, nLayer: 12, nHead: 12 },
  S: { dim: 512, nLayer: 10, nHead: 8 },
  T: { dim: 512, nLayer: 6, nHead: 8 },
  nano: { dim: 192, nLayer: 3, nHead: 3 },
} as const;

/** Results of one teacher-forced pass of an entropy model. T tokens per image, V codes. */
export interface EntropyModelOutputs<T> {
  /** [B, T - 1, V], position j predicts token j + 1 from tokens 0..j. */
  readonly logits: T;
  /** [B, T - 1], nats: entropies of these predictions. */
  readonly entropies: T;
  /** Scalar, nats: mean cross-entropy of tokens 1..T - 1. */
  readonly loss: T;
}

/**
 * One teacher-forced pass of the entropy model.
 * @param tokens int32 [B, T]
 * @param training Dropout, other targets and recomputation; default: none.
 */
export function entropyModel<T>(
  ops: Ops<T>,
  config: EntropyModelConfig,
  parameters: Tensors<T>,
  tokens: T,
  training: Training<T> = {},
): EntropyModelOutputs<T> {
  checkArguments(
    'entropyModel',
    { ops, config, parameters, tokens, training },
    { ops: 'Ops', config: configKinds, parameters: 'object', tokens: 'Tensor', 'training?': 'object' },
  );

  const T1 = (ops.shapeOf(tokens)[1] ?? 0) - 1;
  const logits = gptLogits(ops, config, parameters, ops.slice(tokens, 1, 0, T1), undefined, training); // [B, T - 1, V]
  return {
    logits,
    entropies: entropyOfLogits(ops, logits),
    loss: crossEntropy(ops, logits, ops.slice(training.targets ?? tokens, 1, 1, T1)),
  };
}

const presets = Object.entries(entropyModelPresets).map(([name, size]) => [name, () => writeConfig(size)] as const);

/** The entropy model as a kind of model: an unconditional GPT whose predictions decide where patches start. */
export const entropyKind: ImageModelKind<EntropyModelConfig> = {
  name: 'entropy',
  title: 'entropy model',
  fields,
  presets: Object.fromEntries(presets),
  hasClasses: false,
  outputNames: () => ({ logits: 'logits', loss: 'loss', entropies: 'entropies' }),
  entropySource: {
    check: () => {},
    reads: () => true,
    entropies: (ops, config, tensors) => entropyModel(ops, config, tensors, named(tensors, 'tokens')).entropies,
  },
  ...withoutPatches<EntropyModelConfig>(({ blockSize }) => blockSize - 1),
  readConfig(json) {
    const config = readConfig('entropyKind.readConfig', json, fields);
    checkHeads('entropyKind.readConfig', config);
    return { ...config, clsTokenNum: 0 };
  },
  writeConfig: (config) => ({ kind: 'entropy', ...writeConfig(config) }),
  specs: gptSpecs,
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
