import { imageSize } from '@dpar/example-kit/emoji';
import type { TokenizerSettings } from '../stages/tokenizer.js';

/** Training of one of the models. */
export interface RunSettings {
  /** Keys of the configuration's `model`, or of its `boundary_head`: width, layers, heads. */
  readonly size: Readonly<Record<string, number>>;
  /** Optimizer steps. */
  readonly steps: number;
  readonly learningRate: number;
  /** Steps in which the learning rate rises (default: those of all runs). */
  readonly warmupSteps?: number;
  /** Weight decay (default: that of `dpar train`). */
  readonly weightDecay?: number;
  /** Probability of dropout, in all its places. */
  readonly dropout: number;
  /** Validations, spread over the run. There are twice as many checkpoints. */
  readonly validations: number;
}

/** All settings of the models in `@dpar/emoji`. */
export interface ShippedSettings {
  /** Seed of everything random. */
  readonly seed: number;
  /** About how many images are read; all if left out. */
  readonly images?: number;
  /** Variants of each training image: the first as it is, the others shifted and perhaps mirrored. */
  readonly variants: number;
  readonly tokenizer: TokenizerSettings;
  readonly patching: { readonly targetMeanPatchLength: number; readonly maxPatchLength: number };
  readonly batchSize: number;
  readonly warmupSteps: number;
  readonly entropy: RunSettings;
  readonly dpar: RunSettings;
  /** Boundary head of DPAR, trained on the encoder of the finished model. */
  readonly head: RunSettings;
  /** Has about as many parameters as DPAR. */
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
  head: {
    size: { hidden_width: 160 },
    steps: 5000,
    learningRate: 5e-3,
    warmupSteps: 100,
    weightDecay: 0.01,
    dropout: 0,
    validations: 20,
  },
  llamagen: {
    size: { dim: 160, n_layer: 7, n_head: 2, multiple_of: 494 }, // this feed-forward width gives DPAR's parameters within 0.1 %
    steps: 5000,
    learningRate: 2e-3,
    dropout: 0.1,
    validations: 20,
  },
};

/** Decoding of the shipped model. Lower temperatures and values of top-p leave many images white. */
export const decoding = { guidanceScale: 1.5, temperature: 1, topP: 0.98 } as const;

/** Tokens in a row of an image, and rows. */
export function gridSizeOf({ tokenizer }: ShippedSettings): number {
  return imageSize / tokenizer.config.patchSize;
}

/** Names of the runs: each leaves a folder, and its configuration beside it. */
export const runNames = ['entropy', 'dpar', 'head', 'llamagen'] as const;
export type RunName = (typeof runNames)[number];

/** The `model` keys of a training configuration that follow from tokenizer and classes. */
export function modelKeys(settings: ShippedSettings, numClasses: number) {
  return {
    vocab_size: settings.tokenizer.config.codebookSize,
    block_size: gridSizeOf(settings) ** 2,
    multiple_of: 32,
    num_classes: numClasses,
  };
}

/**
 * Training configuration of a run, as `dpar train` reads it.
 * @param folder Folder of all runs.
 * @param threshold Entropy in nats, for DPAR.
 */
export function trainingRun(
  name: RunName,
  settings: ShippedSettings,
  folder: string,
  numClasses: number,
  threshold = 0,
): Record<string, unknown> {
  const { learningRate, warmupSteps = settings.warmupSteps, weightDecay, steps, dropout, validations } = settings[name];
  return {
    ...partsOf(name, settings, folder, numClasses, threshold),
    optimizer: {
      schedule: 'cosine',
      warmup_steps: warmupSteps,
      final_fraction: 0.02,
      learning_rate: learningRate,
      ...(weightDecay !== undefined && { weight_decay: weightDecay }),
    },
    dropout: { token: dropout, residual: dropout, feed_forward: dropout },
    // The initial weights of a head fit its width already.
    ...(name !== 'head' && { initialization: 'narrow' }),
    steps,
    batch_size: settings.batchSize,
    seed: settings.seed,
    validate_every: Math.ceil(steps / validations),
    checkpoints: { every: Math.ceil(steps / (2 * validations)), keep: 1 },
    output: `${folder}/${name}`,
  };
}

/** Keys of a run's configuration that say what is trained: model and data. */
function partsOf(
  name: RunName,
  settings: ShippedSettings,
  folder: string,
  numClasses: number,
  threshold: number,
): Record<string, unknown> {
  const keys = modelKeys(settings, numClasses);
  const data = { tokens: `${folder}/data/train`, validation: `${folder}/data/validation` };
  if (name === 'entropy' || name === 'llamagen') {
    return { model: { kind: name, ...keys, ...settings[name].size }, data };
  }
  const patching = { threshold, max_patch_length: settings.patching.maxPatchLength };
  const model = { kind: 'dpar', ...keys, ...settings.dpar.size, embedding_type: 'dynamic_4d', patching };
  const patched = { ...data, entropy_checkpoint: `${folder}/entropy/best` };
  if (name === 'dpar') return { model, data: { ...patched, window_batches: 8, bucket_ratio: 1.1 } };
  return {
    model: { ...model, boundary_head: settings.head.size },
    init_from: `${folder}/dpar/best`,
    train: 'boundary_head',
    data: patched,
  };
}
