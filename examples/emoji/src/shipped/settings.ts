import { imageSize } from '../emoji.js';
import type { TokenizerSettings } from '../stages/tokenizer.js';

/** How one of the models is trained. */
export interface RunSettings {
  /** Keys of the configuration's `model`: width, layers, heads. */
  readonly size: Readonly<Record<string, number>>;
  /** Optimizer steps. */
  readonly steps: number;
  readonly learningRate: number;
  /** Share of the numbers that dropout drops, in all its places. */
  readonly dropout: number;
  /** How often the validation loss is measured, spread over the run; checkpoints are twice as many. */
  readonly validations: number;
}

/** Everything that decides on the model that `@dpar/emoji` ships. */
export interface ShippedSettings {
  /** Decides on everything random. */
  readonly seed: number;
  /** About how many images are read; all if left out. */
  readonly images?: number;
  /** How often each training image is there: once as it is, else shifted and perhaps mirrored. */
  readonly variants: number;
  readonly tokenizer: TokenizerSettings;
  readonly patching: { readonly targetMeanPatchLength: number; readonly maxPatchLength: number };
  readonly batchSize: number;
  readonly warmupSteps: number;
  readonly entropy: RunSettings;
  readonly dpar: RunSettings;
  /** Of about as many parameters as DPAR, to compare with. */
  readonly llamagen: RunSettings;
}

/** The shipped models: about an hour and a half of training on two cores. */
export const shipped: ShippedSettings = {
  seed: 0,
  variants: 12,
  tokenizer: {
    config: { imageSize, patchSize: 4, codebookSize: 1024, hiddenDim: 256 },
    codebookImages: 1500,
    iterations: 20,
    steps: 3000,
    batchSize: 16,
    learningRate: 4e-3,
  },
  patching: { targetMeanPatchLength: 1.81, maxPatchLength: 4 },
  batchSize: 16,
  warmupSteps: 200,
  entropy: {
    size: { dim: 96, n_layer: 3, n_head: 2 },
    steps: 2500,
    learningRate: 3e-3,
    dropout: 0.05,
    validations: 10,
  },
  dpar: {
    size: { dim: 160, n_layer: 4, n_head: 2, n_local_encoder_layers: 1, n_local_decoder_layers: 2 },
    steps: 5000,
    learningRate: 2e-3,
    dropout: 0.1,
    validations: 20,
  },
  llamagen: {
    size: { dim: 160, n_layer: 7, n_head: 2, multiple_of: 494 }, // the feed-forward width, for DPAR's parameters within 0.1 %
    steps: 5000,
    learningRate: 2e-3,
    dropout: 0.1,
    validations: 20,
  },
};

/** How the shipped model draws. Lower temperatures and shares of probability leave many images white. */
export const decoding = { guidanceScale: 1.5, temperature: 1, topP: 0.98 } as const;

/** Tokens in a row of an image, and rows. */
export function gridSizeOf({ tokenizer }: ShippedSettings): number {
  return imageSize / tokenizer.config.patchSize;
}

/** Names of what a run leaves: a folder, and its configuration beside it. */
export const runNames = ['entropy', 'dpar', 'llamagen'] as const;
export type RunName = (typeof runNames)[number];

/** Training configuration of the entropy model, as `dpar train` reads it. */
export function entropyRun(settings: ShippedSettings, folder: string, numClasses: number): Record<string, unknown> {
  return plainRun('entropy', settings, folder, numClasses);
}

/** Training configuration of LlamaGen. */
export function llamagenRun(settings: ShippedSettings, folder: string, numClasses: number): Record<string, unknown> {
  return plainRun('llamagen', settings, folder, numClasses);
}

function plainRun(kind: 'entropy' | 'llamagen', settings: ShippedSettings, folder: string, numClasses: number) {
  return {
    model: { kind, ...modelKeys(settings, numClasses), ...settings[kind].size },
    data: { tokens: `${folder}/data/train`, validation: `${folder}/data/validation` },
    ...runKeys(settings, folder, kind),
  };
}

/** Training configuration of DPAR, for a threshold of entropy in nats. */
export function dparRun(
  settings: ShippedSettings,
  folder: string,
  numClasses: number,
  threshold: number,
): Record<string, unknown> {
  return {
    model: {
      kind: 'dpar',
      ...modelKeys(settings, numClasses),
      ...settings.dpar.size,
      embedding_type: 'dynamic_4d',
      patching: { threshold, max_patch_length: settings.patching.maxPatchLength },
    },
    data: {
      tokens: `${folder}/data/train`,
      validation: `${folder}/data/validation`,
      entropy_checkpoint: `${folder}/entropy/best`,
      window_batches: 8,
      bucket_ratio: 1.1,
    },
    ...runKeys(settings, folder, 'dpar'),
  };
}

function modelKeys(settings: ShippedSettings, numClasses: number) {
  return {
    vocab_size: settings.tokenizer.config.codebookSize,
    block_size: gridSizeOf(settings) ** 2,
    multiple_of: 32,
    num_classes: numClasses,
  };
}

function runKeys(settings: ShippedSettings, folder: string, name: RunName) {
  const { learningRate, steps, dropout, validations } = settings[name];
  return {
    optimizer: {
      schedule: 'cosine',
      warmup_steps: settings.warmupSteps,
      final_fraction: 0.02,
      learning_rate: learningRate,
    },
    dropout: { token: dropout, residual: dropout, feed_forward: dropout },
    initialization: 'narrow',
    steps,
    batch_size: settings.batchSize,
    seed: settings.seed,
    validate_every: Math.ceil(steps / validations),
    checkpoints: { every: Math.ceil(steps / (2 * validations)), keep: 1 },
    output: `${folder}/${name}`,
  };
}
