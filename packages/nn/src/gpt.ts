import { DparError, named, type Ops, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type DecodeResult, type DecodeStep, decodeStack, decodeStepKinds } from './decode.js';
import { dropout, type Training, trainingKinds } from './dropout.js';
import { classRows, type GptConfig, gptConfigKinds } from './gpt-config.js';
import { embedding, linear } from './linear.js';
import { causalMask } from './mask.js';
import { ones, type ParameterSpec, type ParameterSpecs, standardNormal, zeros } from './parameters.js';
import { gridRotaryTable } from './rotary-table.js';
import { attentionMacs, blockMacs, stackSpecs, transformerStack } from './stack.js';

/** Parameters of a GPT under their official names. */
export function gptSpecs(config: GptConfig): ParameterSpecs {
  checkArguments('gptSpecs', { config }, { config: gptConfigKinds });

  const { dim: D, vocabSize: V } = config;
  const specs: Record<string, ParameterSpec> = {};
  if (config.clsTokenNum > 0) specs['cls_embedding.embedding_table.weight'] = standardNormal([classRows(config), D]);
  specs['tok_embeddings.weight'] = standardNormal([V, D]);
  Object.assign(specs, stackSpecs('layers', config.nLayer, config));
  specs['norm.weight'] = ones([D]);
  specs['output.weight'] = zeros([V, D]);
  return specs;
}

/**
 * Predictions of a GPT after each of its inputs.
 * @param tokens int32 [B, T] that the model reads.
 * @param labels int32 [B]; required if the configuration has a class token, which is read first.
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
 * The class embedding before a sequence: x [B, T, D] -> [B, 1 + T, D].
 *
 * @param labels int32 [B]; or [B, W], prompts of W words each, whose embeddings are averaged
 * @throws DparError without labels.
 */
export function prependClass<T>(ops: Ops<T>, parameters: Tensors<T>, x: T, labels: T | undefined): T {
  checkArguments(
    'prependClass',
    { ops, parameters, x, labels },
    { ops: 'Ops', parameters: 'object', x: 'Tensor', 'labels?': 'Tensor' },
  );

  if (labels === undefined) {
    throw new DparError(
      'prependClass: expected labels [B] or [B, W] for a class-conditional model, got undefined. Pass labels.',
    );
  }
  const [B = 0, , D = 0] = ops.shapeOf(x);
  const rows = embedding(ops, named(parameters, 'cls_embedding.embedding_table.weight'), labels);
  const classes = ops.shapeOf(labels).length === 1 ? rows : ops.mean(rows, { axes: [1] }); // [B, D]
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

/** Name of a block's first weight. */
const blockName = /^layers\.\d+\.attention\.wqkv\.weight$/;

/** True if tensors with these names include blocks of a model with LlamaGen's names. */
export function hasGptBlocks(names: readonly string[]): boolean {
  checkArguments('hasGptBlocks', { names }, { names: 'string[]' });
  return names.some((name) => blockName.test(name));
}

/** Multiply-accumulates of all matrix products of a forward pass of a GPT over one image, attention included. */
export function gptMatmulMacs(config: GptConfig): number {
  checkArguments('gptMatmulMacs', { config }, { config: gptConfigKinds });

  const { dim: D, nLayer: L, vocabSize: V, blockSize: T } = config;
  return T * (L * blockMacs(config) + V * D) + L * attentionMacs(T, D);
}
