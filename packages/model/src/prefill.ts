import { type PrefillInputs, type PrefillResult, prefillBlock, prefillStack } from '@dpar/nn';
import type { Ops, Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds } from './config.js';
import { decoderContext } from './local-decoder.js';

// First tokens of an image at once. The results are those of the steps of decode.ts, one after the other.

const prefillKinds = { x: 'Tensor', table: 'Tensor', mask: 'Tensor', '*': 'any' };

/** Results of {@link encoderPrefill} for S tokens of B images. */
export interface EncoderPrefillResult<T> extends Omit<PrefillResult<T>, 'x'> {
  /** Token states after each encoder layer, each [B, S, D]. */
  readonly states: readonly T[];
}

/** Runs the first tokens of images through the local encoder. @param inputs `x`: token embeddings */
export function encoderPrefill<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  inputs: PrefillInputs<T>,
): EncoderPrefillResult<T> {
  checkArguments(
    'encoderPrefill',
    { ops, config, parameters, inputs },
    { ops: 'Ops', config: dparConfigKinds, parameters: 'object', inputs: prefillKinds },
  );
  const states: T[] = [];
  const keys: T[] = [];
  const values: T[] = [];
  let { x } = inputs;
  for (let layer = 0; layer < config.nLocalEncoderLayers; layer++) {
    const block = `local_encoder.layers.${layer}`;
    const result = prefillBlock(ops, parameters, block, { ...inputs, x }, config);
    x = result.x;
    states.push(x);
    keys.push(result.key);
    values.push(result.value);
  }
  return { states, keys, values };
}

/** Results of {@link globalPrefill} for the class and the first patches of R sequences, M positions in all. */
export interface GlobalPrefillResult<T> extends Omit<PrefillResult<T>, 'x'> {
  /** Context that each decoder layer adds to the tokens of the patch after each position, each [R, M, D]. */
  readonly contexts: readonly T[];
}

/** Runs the class and the first patches through the global transformer. @param inputs `x`: their embeddings */
export function globalPrefill<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  inputs: PrefillInputs<T>,
): GlobalPrefillResult<T> {
  checkArguments(
    'globalPrefill',
    { ops, config, parameters, inputs },
    { ops: 'Ops', config: dparConfigKinds, parameters: 'object', inputs: prefillKinds },
  );
  const { x, keys, values } = prefillStack(ops, parameters, 'layers', config.nLayer, inputs, config);
  const contexts = Array.from({ length: config.nLocalDecoderLayers }, (_, layer) =>
    decoderContext(ops, config, parameters, layer, x),
  );
  return { contexts, keys, values };
}

/**
 * Runs the first positions through the local decoder, without their predictions.
 * @param inputs `x`: the encoder state of the token before each position, the start embedding for the first one
 * @param contexts Context that each layer adds, [R, S, D]
 */
export function decoderPrefill<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  inputs: PrefillInputs<T>,
  contexts: readonly T[],
): Omit<PrefillResult<T>, 'x'> {
  checkArguments(
    'decoderPrefill',
    { ops, config, parameters, inputs, contexts },
    { ops: 'Ops', config: dparConfigKinds, parameters: 'object', inputs: prefillKinds, contexts: 'Tensor[]' },
  );
  const keys: T[] = [];
  const values: T[] = [];
  let { x } = inputs;
  contexts.forEach((context, layer) => {
    const block = `local_decoder.layers.${layer}`;
    const result = prefillBlock(ops, parameters, block, { ...inputs, x: ops.add(x, context) }, config);
    x = result.x;
    keys.push(result.key);
    values.push(result.value);
  });
  return { keys, values };
}
