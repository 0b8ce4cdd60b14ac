import { DparError, named, type Ops, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { argumentKinds, described, type Fields, numberAbove, numberIn, optional, wholeNumber } from './config.js';
import { type DecodeResult, type DecodeStep, decodeStack, decodeStepKinds } from './decode.js';
import { dropout } from './dropout.js';
import { embedding, linear } from './linear.js';
import { causalMask } from './mask.js';
import type { ParameterSpecs } from './parameters.js';
import { ones, standardNormal, zeros } from './parameters.js';
import { gridRotaryTable } from './rotary-table.js';
import { type StackConfig, stackSpecs, transformerStack } from './stack.js';
import type { Training } from './training.js';
import { trainingKinds } from './training.js';

/** A decoder-only transformer over the tokens of an image, as LlamaGen's and the entropy model's config.json has it. */
export interface GptConfig extends StackConfig {
  /** Number of blocks. */
  readonly nLayer: number;
  /** Vocabulary size V. */
  readonly vocabSize: number;
  /** Tokens of an image: a square grid of rows and columns. */
  readonly blockSize: number;
  /** Number of classes; class `numClasses` is the null class of guidance, if there is one. */
  readonly numClasses: number;
  /** LlamaGen's probability of the null class in training; 0: there is none, and no row for it. Default: there is one. */
  readonly classDropoutProb?: number | undefined;
  /** Base of the rotary frequencies. */
  readonly ropeBase: number;
  /** 1 if a class embedding comes before the tokens, else 0. */
  readonly clsTokenNum: number;
}

/** Keys that all transformers over image tokens share. */
export const stackFields: Fields<Omit<GptConfig, 'clsTokenNum'>> = {
  dim: described('Width D', wholeNumber(1)),
  nLayer: described('Transformer blocks (DPAR: of the global transformer)', wholeNumber(1)),
  nHead: described('Attention heads H', wholeNumber(1)),
  multipleOf: described('The feed-forward width is a multiple of this', wholeNumber(1, 256)),
  vocabSize: described('Vocabulary V of the tokenizer', wholeNumber(1, 16384)),
  blockSize: described('Tokens per image T, a square number', wholeNumber(1, 256)),
  numClasses: described('Number of classes', wholeNumber(1, 1000)),
  classDropoutProb: optional(numberIn(0, 1)),
  ropeBase: described('Base of the rotary frequencies', numberAbove(0, 10000)),
  normEps: described('Epsilon of RMSNorm', numberAbove(0, 1e-5)),
};

/** Kinds of a {@link GptConfig}, which may have further keys. */
export const gptConfigKinds = { ...argumentKinds(stackFields), clsTokenNum: 'number', '*': 'any' };

/** Whether a model has a null class, which guidance needs. */
export function hasNullClass(config: Pick<GptConfig, 'classDropoutProb'>): boolean {
  checkArguments('hasNullClass', { config }, { config: { 'classDropoutProb?': 'number', '*': 'any' } });
  return config.classDropoutProb !== 0;
}

/** Rows of the table of class embeddings: one for each class, then that of the null class, if there is one. */
export function classRows(config: Pick<GptConfig, 'numClasses' | 'classDropoutProb'>): number {
  checkArguments(
    'classRows',
    { config },
    { config: { numClasses: 'number', 'classDropoutProb?': 'number', '*': 'any' } },
  );
  return config.numClasses + (hasNullClass(config) ? 1 : 0);
}

/** Parameters of a GPT under their official names. */
export function gptSpecs(config: GptConfig): ParameterSpecs {
  checkArguments('gptSpecs', { config }, { config: gptConfigKinds });

  const { dim: D, vocabSize: V, nLayer, clsTokenNum } = config;
  return {
    ...(clsTokenNum > 0 && { 'cls_embedding.embedding_table.weight': standardNormal([classRows(config), D]) }),
    'tok_embeddings.weight': standardNormal([V, D]),
    ...stackSpecs('layers', nLayer, config),
    'norm.weight': ones([D]),
    'output.weight': zeros([V, D]),
  };
}

/**
 * Predictions of a GPT after each of its inputs.
 * @param tokens int32 [B, T] that the model reads.
 * @param labels int32 [B]; needed if the configuration has a class token, which is read first.
 * @param training Dropout (of tokens with the class before them, and in blocks) and recomputation; default: none.
 * @returns logits [B, T (+ 1 with a class token), V]
 */
export function gptLogits<T>(
  ops: Ops<T>,
  config: GptConfig,
  parameters: Tensors<T>,
  tokens: T,
  labels: T | undefined,
  training: Training<T> = {},
): T {
  checkArguments(
    'gptLogits',
    { ops, config, parameters, tokens, labels, training },
    {
      ops: 'Ops',
      config: gptConfigKinds,
      parameters: 'object',
      tokens: 'Tensor',
      'labels?': 'Tensor',
      'training?': trainingKinds,
    },
  );

  const embedded = embedding(ops, named(parameters, 'tok_embeddings.weight'), tokens); // [B, T, D]
  const sequence = config.clsTokenNum > 0 ? prependClass(ops, parameters, embedded, labels) : embedded;
  const x = dropTokens(ops, sequence, training);
  const length = ops.shapeOf(x)[1] ?? 0;
  const table = gridRotaryTable(ops, config, length);
  const mask = causalMask(ops, length);
  const h = transformerStack(ops, parameters, 'layers', config.nLayer, x, table, mask, config, training);
  return predictions(ops, parameters, h, config.normEps);
}

/** Dropout of embedded tokens: x [B, T, D]. */
export function dropTokens<T>(ops: Ops<T>, x: T, training: Training<T>): T {
  checkArguments('dropTokens', { ops, x, training }, { ops: 'Ops', x: 'Tensor', training: trainingKinds });

  return dropout(ops, x, training.dropout?.({ name: 'tok_embeddings', kind: 'token', shape: ops.shapeOf(x) }));
}

/**
 * The class embedding before a sequence: x [B, T, D], labels int32 [B] -> [B, 1 + T, D].
 *
 * @throws DparError without labels.
 */
export function prependClass<T>(ops: Ops<T>, parameters: Tensors<T>, x: T, labels: T | undefined): T {
  checkArguments(
    'prependClass',
    { ops, parameters, x, labels },
    { ops: 'Ops', parameters: 'object', x: 'Tensor', 'labels?': 'Tensor' },
  );

  if (labels === undefined)
    throw new DparError('prependClass: expected labels [B] for a class-conditional model, got none.');
  const [B = 0, , D = 0] = ops.shapeOf(x);
  const classes = embedding(ops, named(parameters, 'cls_embedding.embedding_table.weight'), labels); // [B, D]
  return ops.concat([ops.reshape(classes, [B, 1, D]), x], 1);
}

/** Final norm and output projection: x [..., D] -> logits [..., V]. */
export function predictions<T>(ops: Ops<T>, parameters: Tensors<T>, x: T, normEps: number): T {
  checkArguments(
    'predictions',
    { ops, parameters, x, normEps },
    { ops: 'Ops', parameters: 'object', x: 'Tensor', normEps: 'number' },
  );

  const normed = ops.rmsNorm(x, named(parameters, 'norm.weight'), normEps);
  return linear(ops, named(parameters, 'output.weight'), normed);
}

/** One position of a GPT with cached keys and values. @param step `x`: embedding of the token or class, [R, D] */
export function gptStep<T>(
  ops: Ops<T>,
  config: GptConfig,
  parameters: Tensors<T>,
  step: DecodeStep<T>,
): Omit<DecodeResult<T>, 'x'> & { readonly logits: T } {
  checkArguments(
    'gptStep',
    { ops, config, parameters, step },
    { ops: 'Ops', config: gptConfigKinds, parameters: 'object', step: decodeStepKinds },
  );

  const { x, keys, values } = decodeStack(ops, parameters, 'layers', step, config);
  return { logits: predictions(ops, parameters, x, config.normEps), keys, values };
}

/** Names of the blocks' first weights, which tell these models from others. */
const blockName = /^layers\.\d+\.attention\.wqkv\.weight$/;

/** Whether tensors with these names are the blocks of a model with LlamaGen's names. */
export function hasGptBlocks(names: readonly string[]): boolean {
  checkArguments('hasGptBlocks', { names }, { names: 'string[]' });
  return names.some((name) => blockName.test(name));
}
