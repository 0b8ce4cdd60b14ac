import { imageSize } from '../emoji.js';
import type { TokenizerSettings } from '../stages/tokenizer.js';

/** Decides on everything random. */
export const seed = 0;

/** How often each training image is there: once as it is, else shifted and perhaps mirrored. */
export const variants = 12;

export const tokenizer: TokenizerSettings = {
  config: { imageSize, patchSize: 4, codebookSize: 1024, hiddenDim: 256 },
  codebookImages: 1500,
  iterations: 20,
  steps: 3000,
  batchSize: 16,
  learningRate: 4e-3,
};

/** Optimizer steps of the two models: about an hour on two cores. */
export const steps = { entropy: 2500, dpar: 5000 } as const;

/** Tokens in a row of an image, and rows. */
export const gridSize = imageSize / tokenizer.config.patchSize;

export const patching = { targetMeanPatchLength: 1.81, maxPatchLength: 4, rowLength: gridSize };

const model = {
  vocab_size: tokenizer.config.codebookSize,
  block_size: gridSize ** 2,
  multiple_of: 32,
};

const optimizer = { schedule: 'cosine', warmup_steps: 200, final_fraction: 0.02 } as const;

/** Training configuration of the entropy model, as `dpar train` reads it. Paths are relative to the run's folder. */
export function entropyRun(folder: string, numClasses: number): Record<string, unknown> {
  return {
    model: { kind: 'entropy', ...model, num_classes: numClasses, dim: 96, n_layer: 3, n_head: 2 },
    data: { tokens: `${folder}/data/train`, validation: `${folder}/data/validation` },
    optimizer: { ...optimizer, learning_rate: 3e-3 },
    dropout: { token: 0.05, residual: 0.05, feed_forward: 0.05 },
    initialization: 'narrow',
    steps: steps.entropy,
    batch_size: 16,
    seed,
    validate_every: Math.ceil(steps.entropy / 10),
    checkpoints: { every: Math.ceil(steps.entropy / 20), keep: 1 },
    output: `${folder}/entropy`,
  };
}

/** Training configuration of DPAR, for a threshold of entropy in nats. */
export function dparRun(folder: string, numClasses: number, threshold: number): Record<string, unknown> {
  return {
    model: {
      kind: 'dpar',
      ...model,
      num_classes: numClasses,
      ...{ dim: 160, n_layer: 4, n_head: 2, n_local_encoder_layers: 1, n_local_decoder_layers: 2 },
      embedding_type: 'dynamic_4d',
      patching: { threshold, max_patch_length: patching.maxPatchLength },
    },
    data: {
      tokens: `${folder}/data/train`,
      validation: `${folder}/data/validation`,
      entropy_checkpoint: `${folder}/entropy/best`,
      window_batches: 8,
      bucket_ratio: 1.1,
    },
    optimizer: { ...optimizer, learning_rate: 2e-3 },
    dropout: { token: 0.1, residual: 0.1, feed_forward: 0.1 },
    initialization: 'narrow',
    steps: steps.dpar,
    batch_size: 16,
    seed,
    validate_every: Math.ceil(steps.dpar / 20),
    checkpoints: { every: Math.ceil(steps.dpar / 40), keep: 1 },
    output: `${folder}/dpar`,
  };
}
