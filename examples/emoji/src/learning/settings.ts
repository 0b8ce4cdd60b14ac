import { modelKeys, shipped } from '../weights/settings.js';

/** Seeds of each model's runs: they set the initial weights and the order of the data. */
export const seeds = [0, 1, 2] as const;

/** Compared kinds of model. */
export const kinds = ['dpar', 'llamagen'] as const;
export type Kind = (typeof kinds)[number];

/** Optimizer steps of a run. */
export const steps = 600;

/** Sizes of equal numbers of parameters within 1 %, by way of the feed-forward widths (`multiple_of`). */
const sizes = {
  dpar: { n_layer: 2, n_local_encoder_layers: 1, n_local_decoder_layers: 1, multiple_of: 64 },
  llamagen: { n_layer: 4, multiple_of: 98 },
};

/**
 * Training configuration of a run; both kinds are trained alike.
 * @param folder Folder of `makeModel`.
 * @param threshold Entropy in nats, for DPAR.
 */
export function learningRun(
  kind: Kind,
  folder: string,
  seed: number,
  numClasses: number,
  threshold: number,
): Record<string, unknown> {
  const model = { ...modelKeys(shipped, numClasses), dim: 96, n_head: 2, ...sizes[kind] };
  const data = { tokens: `${folder}/data/train`, validation: `${folder}/data/validation` };
  const patching = { threshold, max_patch_length: shipped.patching.maxPatchLength };
  const parts =
    kind === 'dpar'
      ? {
          model: { kind, ...model, embedding_type: 'dynamic_4d', patching },
          data: { ...data, entropy_checkpoint: `${folder}/entropy/best`, window_batches: 4 },
        }
      : { model: { kind, ...model }, data };
  return {
    ...parts,
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
