import { type ShippedSettings, shipped } from '../settings.js';

const { tokenizer, entropy, dpar, head, llamagen } = shipped;

/** Tiny versions of the shipped models, trained for seconds. */
export const tiny: ShippedSettings = {
  ...shipped,
  images: 160,
  variants: 2,
  tokenizer: {
    ...tokenizer,
    config: { ...tokenizer.config, codebookSize: 64, hiddenDim: 32 },
    codebookImages: 80,
    iterations: 3,
    steps: 30,
  },
  batchSize: 8,
  warmupSteps: 5,
  entropy: { ...entropy, size: { dim: 32, n_layer: 1, n_head: 1 }, steps: 20, validations: 2 },
  dpar: {
    ...dpar,
    size: { dim: 32, n_layer: 1, n_head: 1, n_local_encoder_layers: 1, n_local_decoder_layers: 1 },
    steps: 12,
    validations: 2,
  },
  head: { ...head, size: { hidden_width: 16 }, warmupSteps: 2, steps: 12, validations: 2 },
  llamagen: { ...llamagen, size: { dim: 32, n_layer: 1, n_head: 1 }, steps: 12, validations: 2 },
};
