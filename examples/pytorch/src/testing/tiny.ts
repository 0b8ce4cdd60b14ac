import { createRandom, float32, int32 } from '@dpar/tensor';
import type { TokenSet } from '@dpar/train';

const shared = { dim: 16, n_head: 1, multiple_of: 8, vocab_size: 6, block_size: 16, num_classes: 3, n_layer: 2 };

/** `model` of the training configurations of models with 16 tokens, which train in moments. */
export const tinyModels = {
  dpar: {
    kind: 'dpar',
    ...shared,
    n_local_encoder_layers: 1,
    n_local_decoder_layers: 1,
    embedding_type: 'dynamic_4d',
    patching: { threshold: 1, max_patch_length: 4 },
  },
  llamagen: { kind: 'llamagen', ...shared },
  entropy: { kind: 'entropy', ...shared },
} as const;

/** Random images for {@link tinyModels}, with entropies. */
export function tinySet(images: number): TokenSet {
  const random = createRandom(1, 0);
  const whole = (size: number, below: number) => Array.from({ length: size }, () => random.integer(below));
  return {
    tokens: int32([images, 16], whole(images * 16, 6)),
    labels: int32([images], whole(images, 3)),
    entropies: float32([images, 15], random.fillUniform(new Float32Array(images * 15), { high: 2 })),
  };
}
