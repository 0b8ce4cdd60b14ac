import { entropyKind } from '@dpar/entropy';
import { dparKind, llamaGenKind } from '@dpar/model';
import { type ImageModel, type ImageModelKind, initializeParameters, modelOf } from '@dpar/nn';

/** Sizes of models of 8 x 8 tokens of 16 codes, in 5 classes. A token costs little else than calls. */
const shared = { dim: 16, n_head: 1, multiple_of: 16, vocab_size: 16, block_size: 64, num_classes: 5 };

/** `model` of a training configuration of a tiny DPAR. */
export const tinyDpar = {
  kind: 'dpar',
  ...shared,
  n_layer: 1,
  n_local_encoder_layers: 1,
  n_local_decoder_layers: 1,
  embedding_type: 'dynamic_4d',
  patching: { mode: 'entropy_row_boundary', threshold: 2.7, max_patch_length: 4, row_length: 8 },
} as const;

const kinds: Readonly<Record<TinyModel, readonly [ImageModelKind, object]>> = {
  dpar: [dparKind, tinyDpar],
  'dpar-head': [dparKind, { ...tinyDpar, boundary_head: { hidden_width: 8, neighbours: [1, 8] } }],
  llamagen: [llamaGenKind, { kind: 'llamagen', ...shared, n_layer: 1 }],
  entropy: [entropyKind, { kind: 'entropy', ...shared, n_layer: 1, cls_token_num: 0 }],
};

/** Names of the models of {@link tinyModel}. */
export type TinyModel = 'dpar' | 'dpar-head' | 'llamagen' | 'entropy';

/** A model with random weights, which computes a token in microseconds. */
export function tinyModel(name: TinyModel, seed: number): ImageModel {
  const [kind, json] = kinds[name];
  return modelOf(kind, json, initializeParameters(kind.specs(kind.readConfig(json)), seed));
}
