import type { KindsOf } from '@dpar/check';
import { causalMask, crossEntropy, predictions, prependClass, type Training, transformerStack } from '@dpar/nn';
import { int32, type Ops, type Tensors } from '@dpar/tensor';
import { boundaryEntropies } from './boundary-head.js';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds } from './config.js';
import { localDecoder } from './local-decoder.js';
import { embeddedTokens, localEncoder } from './local-encoder.js';
import type { PatchMaps } from './patch-maps.js';

/** Inputs of a DPAR model. B images, T tokens each, N predicted tokens (T, or T + 1 with an end-of-image token), M patches. */
export interface DparInputs<T> extends PatchMaps<T> {
  /** int32 [B, T] */
  readonly tokens: T;
  /** int32 [B]; `numClasses` is the null class */
  readonly labels: T;
  /** Rotary table of the global transformer's positions, class token first: [1 or B, M, headDim / 2, 2]. */
  readonly globalTable: T;
}

const dparInputsKinds: KindsOf<DparInputs<object>> = {
  tokens: 'Tensor',
  labels: 'Tensor',
  globalTable: 'Tensor',
  slotToken: 'Tensor',
  tokenSlot: 'Tensor',
  slotMask: 'Tensor',
  '*': 'any',
};

/** Results of one teacher-forced pass. */
export interface DparOutputs<T> {
  /** Encoder states [B, N - 1, D]. */
  readonly encoderTokens: T;
  /** Patch embeddings [B, M, D]. Embeddings of padded patches and of each image's last patch are undefined. */
  readonly encoderPatches: T;
  /** Global states [B, M, D]: of the class token, then of patches 0..M - 2. */
  readonly global: T;
  /** Decoder states [B, N, D]. */
  readonly decoder: T;
  /** [B, N, V], position i predicts token i. */
  readonly logits: T;
  /** Scalar, nats: mean cross-entropy over all N tokens. */
  readonly loss: T;
  /**
   * [B, T - 1], nats: entropies that the boundary head predicts, if the model has one. They are computed when they are read;
   * a copy of this object reads them.
   */
  readonly boundaryEntropies?: T;
}

/**
 * One teacher-forced pass of DPAR: local encoder over tokens, global transformer over patches, local decoder over tokens.
 * @param training Dropout (of the tokens that the encoder reads, and in all blocks), other targets and recomputation; default: none.
 */
export function dpar<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  inputs: DparInputs<T>,
  training: Training<T> = {},
): DparOutputs<T> {
  checkArguments(
    'dpar',
    { ops, config, parameters, inputs, training },
    { ops: 'Ops', config: dparConfigKinds, parameters: 'object', inputs: dparInputsKinds, 'training?': 'object' },
  );

  const [B = 0] = ops.shapeOf(inputs.tokens);
  const M = ops.shapeOf(inputs.slotMask)[1] ?? 0;
  const embedded = embeddedTokens(ops, config, parameters, inputs.tokens, training); // [B, N - 1, D]
  const { tokens, patches } = localEncoder(ops, config, parameters, embedded, inputs, training);

  // The last patch is complete only when the image is, and no token depends on it.
  const sequence = prependClass(ops, parameters, ops.slice(patches, 1, 0, M - 1), inputs.labels); // [B, M, D]
  const table = inputs.globalTable;
  const mask = causalMask(ops, M);
  const global = transformerStack(ops, parameters, 'layers', config.nLayer, sequence, table, mask, config, training);

  const decoder = localDecoder(ops, config, parameters, tokens, global, inputs, training); // [B, N, D]
  const logits = predictions(ops, parameters, decoder, config.normEps); // [B, N, V]
  const { targets: predicted = inputs.tokens } = training;
  const targets = config.predictEoiToken
    ? ops.concat([predicted, ops.broadcast(ops.constant(int32([1, 1], [config.vocabSize])), [B, 1])], 1)
    : predicted;
  const outputs = {
    encoderTokens: tokens,
    encoderPatches: patches,
    global,
    decoder,
    logits,
    loss: crossEntropy(ops, logits, targets),
  };
  if (config.boundaryHead === undefined) return outputs;
  let entropies: T | undefined;
  return Object.defineProperty(outputs, 'boundaryEntropies', {
    enumerable: true,
    get: () => {
      entropies ??= boundaryEntropies(ops, config, parameters, tokens);
      return entropies;
    },
  });
}
