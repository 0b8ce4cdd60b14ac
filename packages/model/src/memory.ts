import { countParameters, feedForwardWidth, gptSpecs } from '@dpar/nn';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds, type LlamaGenConfig, llamaGenConfigKinds } from './config.js';
import { dparSpecs } from './specs.js';

/** Memory of a model in bytes, float32. */
export interface MemoryCount {
  /** Parameters: 4 bytes each. */
  readonly weights: number;
  /** As many bytes as the weights. */
  readonly gradients: number;
  /** AdamW's two moments. */
  readonly optimizer: number;
  /** Values that a training step keeps for the backward pass. This is an estimate from the inputs of the gradient rules. */
  readonly activations: number;
  /** Cached keys and values of all blocks for whole images when sampling, without guidance. */
  readonly cache: number;
}

const bytes = 4;

/**
 * Elements that one block keeps for each position:
 * - the two normed inputs and the two residual sums (4 D)
 * - queries, keys and values fused, rotated and by head (3 D + 2 D + 3 D)
 * - the mixed values twice (2 D)
 * - four feed-forward products (4 F)
 * - the attention weights before and after softmax (2 H T)
 */
function blockActivations(D: number, H: number, multipleOf: number, length: number): number {
  return 14 * D + 4 * feedForwardWidth(D, multipleOf) + 2 * H * length;
}

function memoryCount(parameters: number, activations: number, cache: number): MemoryCount {
  return {
    weights: bytes * parameters,
    gradients: bytes * parameters,
    optimizer: 2 * bytes * parameters,
    activations: bytes * activations,
    cache: bytes * cache,
  };
}

/** Memory of LlamaGen for a batch of B images. */
export function llamaGenMemory(config: LlamaGenConfig, batch: number): MemoryCount {
  checkArguments('llamaGenMemory', { config, batch }, { config: llamaGenConfigKinds, batch: 'number' });

  const { dim: D, nHead: H, multipleOf, nLayer: L, vocabSize: V, blockSize: T } = config;
  const perImage = T * (L * blockActivations(D, H, multipleOf, T) + 2 * V + 2 * D);
  return memoryCount(countParameters(gptSpecs(config)), batch * perImage, batch * 2 * L * (T + 1) * D);
}

/**
 * Memory of DPAR for a batch of B images.
 * @param patches Patches M of an image, with padding.
 */
export function dparMemory(config: DparConfig, batch: number, patches: number): MemoryCount {
  checkArguments(
    'dparMemory',
    { config, batch, patches },
    { config: dparConfigKinds, batch: 'number', patches: 'number' },
  );

  const { dim: D, nHead: H, multipleOf, nLayer: G, vocabSize: V, blockSize: T, patching } = config;
  const local = config.nLocalEncoderLayers + config.nLocalDecoderLayers;
  const slots = patches * (patching.maxPatchLength ?? patching.rowLength);
  const tokens = T * (local * blockActivations(D, H, multipleOf, T) + 2 * V + 2 * D);
  const global = patches * G * blockActivations(D, H, multipleOf, patches);
  const moved = slots * D * (5 * config.nLocalEncoderLayers + 2 * config.nLocalDecoderLayers);
  const cache = 2 * D * (local * (T + 1) + G * (patches + 1));
  return memoryCount(countParameters(dparSpecs(config)), batch * (tokens + global + moved), batch * cache);
}
