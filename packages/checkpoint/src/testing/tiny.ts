import { imageModelKinds } from '@dpar/model';
import { architectureOf, type ImageModel, initializeParameters, kindOfConfig } from '@dpar/nn';
import { createRandom, createReferenceEngine, float32, int32 } from '@dpar/tensor';
import { type TokenSet, Trainer } from '@dpar/train';
import { expect } from 'vitest';

/** Sizes of models of 16 tokens that train in moments. */
export const tinyGpt = {
  dim: 16,
  n_layer: 1,
  n_head: 1,
  multiple_of: 8,
  vocab_size: 6,
  block_size: 16,
  num_classes: 3,
};

const patches = {
  n_local_encoder_layers: 1,
  n_local_decoder_layers: 1,
  embedding_type: 'dynamic_4d',
  patching: { threshold: 1, max_patch_length: 4 },
};

/** A model of tiny sizes. */
export function tinyModel(kind: 'dpar' | 'llamagen' | 'entropy', changes: object = {}): ImageModel {
  const settings = { kind, ...tinyGpt, ...(kind === 'dpar' ? patches : {}), ...changes };
  const architecture = architectureOf(kindOfConfig('tinyModel', imageModelKinds, settings), settings);
  return { ...architecture, parameters: initializeParameters(architecture.kind.specs(architecture.config), 7) };
}

/** A trainer of a tiny model after three steps. */
export async function trained(model = tinyModel('llamagen')): Promise<Trainer> {
  const settings = { data: tinySet(5), steps: 3, batchSize: 3, seed: 7, averageDecay: 0.9 };
  const trainer = new Trainer({ engine: createReferenceEngine(), model, ...settings });
  for await (const { loss } of trainer.run()) expect(loss).toBeGreaterThan(0);
  return trainer;
}

function tinySet(images: number): TokenSet {
  const random = createRandom(1, 0);
  const values = (count: number, below: number) => Array.from({ length: count }, () => random.integer(below));
  const tokens = values(images * 16, 6);
  for (let i = 0; i < images; i++) tokens[i * 16] = i % 6;
  return {
    tokens: int32([images, 16], tokens),
    labels: int32([images], values(images, 3)),
    entropies: float32([images, 15], random.fillUniform(new Float32Array(images * 15), { high: 2 })),
  };
}
