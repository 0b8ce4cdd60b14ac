import { imageModelKinds } from '@dpar/model';
import { architectureOf, type ImageModel, initializeParameters, kindOfConfig } from '@dpar/nn';
import { createRandom, float32, int32 } from '@dpar/tensor';
import type { TokenSet } from '../batches/token-set.js';

const shared = { dim: 16, n_head: 1, multiple_of: 8, vocab_size: 6, block_size: 16, num_classes: 3 };

const configs = {
  dpar: {
    kind: 'dpar',
    ...shared,
    n_layer: 1,
    n_local_encoder_layers: 1,
    n_local_decoder_layers: 1,
    embedding_type: 'dynamic_4d',
    patching: { mode: 'entropy_row_boundary', threshold: 1, max_patch_length: 4, row_length: 4 },
  },
  llamagen: { kind: 'llamagen', ...shared, n_layer: 2 },
  entropy: { kind: 'entropy', ...shared, n_layer: 2, cls_token_num: 0 },
} as const;

/** `boundary_head` of a tiny DPAR model. */
export const tinyHead = { hidden_width: 6 };

/** A model of 16 tokens that trains in moments. */
export function tinyModel(kind: keyof typeof configs, changes: object = {}, seed = 1): ImageModel {
  const architecture = architectureOf(kindOfConfig('tinyModel', imageModelKinds, configs[kind]), {
    ...configs[kind],
    ...changes,
  });
  return { ...architecture, parameters: initializeParameters(architecture.kind.specs(architecture.config), seed) };
}

/** Random images for the tiny models. The first token of each differs from those of its neighbours. */
export function tinySet(images: number, seed = 1): TokenSet {
  const random = createRandom(seed, 0);
  const values = (size: number, below: number) => Array.from({ length: size }, () => random.integer(below));
  const tokens = values(images * 16, 6);
  for (let i = 0; i < images; i++) tokens[i * 16] = i % 6;
  return {
    tokens: int32([images, 16], tokens),
    labels: int32([images], values(images, 3)),
    entropies: float32([images, 15], random.fillUniform(new Float32Array(images * 15), { high: 2 })),
  };
}
