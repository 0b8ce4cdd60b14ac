/** The `model` keys of a DPAR of 8 x 8 tokens of 48 codes and 5 classes, those of the fixtures, for training configurations. */
export const tinyDpar = {
  kind: 'dpar',
  dim: 32,
  n_head: 2,
  n_layer: 1,
  n_local_encoder_layers: 1,
  n_local_decoder_layers: 1,
  multiple_of: 16,
  vocab_size: 48,
  block_size: 64,
  num_classes: 5,
  embedding_type: 'dynamic_4d',
  patching: { threshold: 1, max_patch_length: 4 },
} as const;
