import {
  blockCausalMask,
  causalMask,
  dropTokens,
  embedding,
  gridRotaryTable,
  namedBlock,
  type Training,
  transformerStack,
} from '@dpar/nn';
import { DparError, named, type Ops, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds } from './config.js';
import { attendToOwnTokens, poolPatches, type Slots } from './patch-embedding.js';
import { type PatchMaps, patchOfTokens, tokensOfPatches } from './patch-maps.js';

/** Results of the local encoder. */
export interface LocalEncoderOutputs<T> {
  /** Token states [B, N - 1, D]. */
  readonly tokens: T;
  /** Patch embeddings [B, M, D]. Embeddings of padded patches and of the last patch are undefined. */
  readonly patches: T;
}

/**
 * States of the local encoder for whole images, without patches. They are those of `dpar` for a model whose encoder tokens
 * see more than their own patch.
 * @param parameters `tok_embeddings.weight` and `local_encoder.layers.*`
 * @param tokens int32 [B, T]
 * @returns [B, N - 1, D]
 * @throws DparError with `encoderBlockCausal`, where the states depend on the patches.
 */
export function encoderStates<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  tokens: T,
  training: Training<T> = {},
): T {
  checkArguments(
    'encoderStates',
    { ops, config, parameters, tokens, training },
    { ops: 'Ops', config: dparConfigKinds, parameters: 'object', tokens: 'Tensor', 'training?': 'object' },
  );
  if (config.encoderBlockCausal) {
    throw new DparError(
      "encoderStates: expected a model whose encoder tokens see all tokens before them, got 'encoder_block_causal'. " +
        "Use 'dpar', which takes the patches.",
    );
  }
  const embedded = embeddedTokens(ops, config, parameters, tokens, training);
  const length = ops.shapeOf(embedded)[1] ?? 0;
  const table = gridRotaryTable(ops, { ...config, clsTokenNum: 0 }, length);
  const mask = causalMask(ops, length);
  const { nLocalEncoderLayers: layers } = config;
  return transformerStack(ops, parameters, 'local_encoder.layers', layers, embedded, table, mask, config, training);
}

/** Embeddings of the tokens that the encoder reads, with dropout: int32 [B, T] -> [B, N - 1, D]. */
export function embeddedTokens<T>(
  ops: Ops<T>,
  { predictEoiToken }: DparConfig,
  parameters: Tensors<T>,
  tokens: T,
  training: Training<T>,
): T {
  const length = ops.shapeOf(tokens)[1] ?? 0;
  const read = predictEoiToken ? tokens : ops.slice(tokens, 1, 0, length - 1);
  return dropTokens(ops, embedding(ops, named(parameters, 'tok_embeddings.weight'), read), training);
}

/**
 * Local encoder: causal blocks over tokens. Patches are pooled after the first block and refined after each.
 * @param embedded Token embeddings [B, N - 1, D]. The last of the N predicted tokens is never read.
 */
export function localEncoder<T>(
  ops: Ops<T>,
  config: DparConfig,
  parameters: Tensors<T>,
  embedded: T,
  maps: PatchMaps<T>,
  training: Training<T> = {},
): LocalEncoderOutputs<T> {
  const length = ops.shapeOf(embedded)[1] ?? 0;
  const table = gridRotaryTable(ops, { ...config, clsTokenNum: 0 }, length);
  const mask = config.encoderBlockCausal
    ? blockCausalMask(ops, ops.slice(patchOfTokens(ops, maps), 1, 0, length))
    : causalMask(ops, length);
  const slots: Slots<T> = { layOut: (x) => tokensOfPatches(ops, x, maps), mask: maps.slotMask };
  let tokens = embedded;
  let patches: T | undefined;
  for (let layer = 0; layer < config.nLocalEncoderLayers; layer++) {
    tokens = namedBlock(ops, parameters, `local_encoder.layers.${layer}`, tokens, table, mask, config, training);
    const states = ops.pad(tokens, 1, 0, 1); // [B, N, D], zeros for the token that is not read
    patches ??= poolPatches(ops, states, slots);
    patches = attendToOwnTokens(ops, config, parameters, layer, patches, states, slots);
  }
  return { tokens, patches: patches as T };
}
