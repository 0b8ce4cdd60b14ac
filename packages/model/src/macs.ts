import { attentionMacs, blockMacs } from '@dpar/nn';
import { boundaryHeadMacs } from './boundary-head.js';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds, type LlamaGenConfig, llamaGenConfigKinds } from './config.js';

/**
 * Multiply-accumulates of LlamaGen for one image, as Table S1 counts them: linear layers, and 8 per layer and channel for
 * norms and other small operations. Attention products are not counted.
 */
export function llamaGenMacs(config: LlamaGenConfig): number {
  checkArguments('llamaGenMacs', { config }, { config: llamaGenConfigKinds });
  const { dim: D, nLayer: L, vocabSize: V, blockSize: T } = config;
  return T * (L * blockMacs(config) + 8 * L * D + V * D);
}

/**
 * Multiply-accumulates of DPAR for one image, as Table S1 counts them.
 * @param patches Patches M of the image (a mean may be fractional)
 */
export function dparMacs(config: DparConfig, patches: number): number {
  checkArguments('dparMacs', { config, patches }, { config: dparConfigKinds, patches: 'number' });

  const { dim: D, nLayer: G, vocabSize: V, blockSize: T } = config;
  const E = config.nLocalEncoderLayers;
  const local = E + config.nLocalDecoderLayers;
  const block = blockMacs(config);
  const perToken = local * block + 8 * local * D + V * D + 2 * E * D * D;
  const perPatch = G * block + 8 * G * D + (2 * E + config.nLocalDecoderLayers) * D * D;
  return T * perToken + patches * perPatch;
}

/** Multiply-accumulates of all matrix products of a DPAR forward pass over M patches, with attention and the boundary head. */
export function dparMatmulMacs(config: DparConfig, patches: number): number {
  checkArguments('dparMatmulMacs', { config, patches }, { config: dparConfigKinds, patches: 'number' });

  const { dim: D, nLayer: G, vocabSize: V, blockSize: T } = config;
  const E = config.nLocalEncoderLayers;
  const decoder = config.nLocalDecoderLayers;
  const block = blockMacs(config);
  const linear =
    T * ((E + decoder) * block + V * D + 2 * E * D * D) + patches * (G * block + (2 * E + decoder) * D * D);
  const head = (T - 1) * boundaryHeadMacs(config);
  return linear + head + E * attentionMacs(T - 1, D) + decoder * attentionMacs(T, D) + G * attentionMacs(patches, D);
}
