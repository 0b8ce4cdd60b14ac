import { type DecodeResult, type DecodeStep, decodeBlock, decodeStack, predictions } from '@dpar/nn';
import type { Ops, Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds } from './config.js';
import { decoderContext } from './local-decoder.js';
import { attendToOwnTokens, poolPatches, type Slots } from './patch-embedding.js';

const stepKinds = { x: 'Tensor', table: 'Tensor', mask: 'Tensor', '*': 'any' };

/** Results of {@link encoderStep} for R sequences. */
export interface EncoderStepResult<T> extends Omit<DecodeResult<T>, 'x'> {
  /** Token states after each encoder layer, each [R, D]. */
  readonly states: readonly T[];
}

/** Runs one token through the local encoder. @param step `x`: embedding of the token, [R, D] */
export function encoderStep<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  step: DecodeStep<T>,
): EncoderStepResult<T> {
  checkArguments(
    'encoderStep',
    { ops, config, parameters, step },
    {
      ops: 'Ops',
      config: dparConfigKinds,
      parameters: 'object',
      step: stepKinds,
    },
  );

  let { x } = step;
  const states: T[] = [];
  const keys: T[] = [];
  const values: T[] = [];
  step.caches.forEach((cache, layer) => {
    const result = decodeBlock(ops, parameters, `local_encoder.layers.${layer}`, { ...step, x }, cache, config);
    x = result.x;
    states.push(x);
    keys.push(result.key);
    values.push(result.value);
  });
  return { states, keys, values };
}

/**
 * Embedding of a finished patch, from the encoder states of its tokens.
 * @param states After each encoder layer, [R, P, D]; zeros in empty slots
 * @param slotMask bool [R, 1, P]
 * @returns [R, D]
 */
export function patchEmbedding<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  states: readonly T[],
  slotMask: T,
): T {
  checkArguments(
    'patchEmbedding',
    { ops, config, parameters, states, slotMask },
    { ops: 'Ops', config: dparConfigKinds, parameters: 'object', states: 'Tensor[]', slotMask: 'Tensor' },
  );

  const [R = 0, , P = 0] = ops.shapeOf(slotMask);
  const slots: Slots<T> = { layOut: (x) => ops.reshape(x, [R, 1, P, config.dim]), mask: slotMask };
  const [first] = states;
  let patches = poolPatches(ops, first as T, slots);
  states.forEach((tokens, layer) => {
    patches = attendToOwnTokens(ops, config, parameters, layer, patches, tokens, slots);
  });
  return ops.reshape(patches, [R, config.dim]);
}

/** Results of {@link globalStep}. */
export interface GlobalStepResult<T> extends Omit<DecodeResult<T>, 'x'> {
  /** Context that each decoder layer adds to the tokens of the next patch, each [R, D]. */
  readonly contexts: readonly T[];
}

/** Runs one patch embedding, or the class embedding, [R, D] through the global transformer. */
export function globalStep<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  step: DecodeStep<T>,
): GlobalStepResult<T> {
  checkArguments(
    'globalStep',
    { ops, config, parameters, step },
    {
      ops: 'Ops',
      config: dparConfigKinds,
      parameters: 'object',
      step: stepKinds,
    },
  );

  const { x, keys, values } = decodeStack(ops, parameters, 'layers', step, config);
  const contexts = Array.from({ length: config.nLocalDecoderLayers }, (_, layer) =>
    decoderContext(ops, config, parameters, layer, x),
  );
  return { contexts, keys, values };
}

/** Results of {@link decoderStep}. */
export interface DecoderStepResult<T> extends Omit<DecodeResult<T>, 'x'> {
  /** [R, V] */
  readonly logits: T;
}

/**
 * Runs one position through the local decoder: predicts the next token from the state of the token before it.
 * @param step `x`: the encoder state of the token before, or the start embedding, [R, D]
 * @param contexts Context that each layer adds, [R, D], for the patch of the predicted token
 */
export function decoderStep<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  step: DecodeStep<T>,
  contexts: readonly T[],
): DecoderStepResult<T> {
  checkArguments(
    'decoderStep',
    { ops, config, parameters, step, contexts },
    {
      ops: 'Ops',
      config: dparConfigKinds,
      parameters: 'object',
      step: stepKinds,
      contexts: 'Tensor[]',
    },
  );

  const keys: T[] = [];
  const values: T[] = [];
  let h = step.x;
  step.caches.forEach((cache, layer) => {
    const x = ops.add(h, contexts[layer] as T);
    const result = decodeBlock(ops, parameters, `local_decoder.layers.${layer}`, { ...step, x }, cache, config);
    h = result.x;
    keys.push(result.key);
    values.push(result.value);
  });
  return { logits: predictions(ops, parameters, h, config.normEps), keys, values };
}
