import { gridSizeOf, shipped } from '../shipped/settings.js';

/** Runs of each model, which differ in their initial weights and the order of the data. */
export const seeds = [0, 1, 2] as const;

/** Kinds of model that are compared. */
export const kinds = ['dpar', 'llamagen'] as const;
export type Kind = (typeof kinds)[number];

/** Optimizer steps of a run. */
export const steps = 600;

/** Feed-forward widths are multiples of these, so that both models have the same number of parameters within 1 %. */
const sizes = {
  dpar: { n_layer: 2, n_local_encoder_layers: 1, n_local_decoder_layers: 1, multiple_of: 64 },
  llamagen: { n_layer: 4, multiple_of: 98 },
};

/**
 * The `model` part of a training configuration: of both kinds with the same number of parameters.
 * @param threshold Entropy in nats; of no account to LlamaGen.
 */
export function modelSettings(kind: Kind, numClasses: number, threshold: number): Record<string, unknown> {
  return {
    kind,
    ...{ dim: 96, n_head: 2, ...sizes[kind] },
    vocab_size: shipped.tokenizer.config.codebookSize,
    block_size: gridSizeOf(shipped) ** 2,
    num_classes: numClasses,
    ...(kind === 'dpar' && {
      embedding_type: 'dynamic_4d',
      patching: { threshold, max_patch_length: shipped.patching.maxPatchLength },
    }),
  };
}

/** Training configuration of a run; both kinds are trained alike. @param folder That of `makeModel`. */
export function learningRun(
  kind: Kind,
  folder: string,
  seed: number,
  numClasses: number,
  threshold: number,
): Record<string, unknown> {
  return {
    model: modelSettings(kind, numClasses, threshold),
    data: {
      tokens: `${folder}/data/train`,
      validation: `${folder}/data/validation`,
      ...(kind === 'dpar' && { entropy_checkpoint: `${folder}/entropy/best`, window_batches: 4 }),
    },
    optimizer: { learning_rate: 5e-3, schedule: 'cosine', warmup_steps: 60, final_fraction: 0.05 },
    initialization: 'narrow',
    steps,
    batch_size: 16,
    seed,
    validate_every: steps / 10,
    checkpoints: { every: steps / 5, keep: 1 },
    output: `${folder}/learning/${kind}-seed-${seed}`,
  };
}
