import type { EmbeddingType } from '@dpar/model';

/** Training of a model: AdamW with warm-up and a cosine schedule. */
export interface TrainingSettings {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
}

/** Encoder and decoder layers of a variant of DPAR, and the positions of its patches. */
export interface Variant {
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  readonly embedding: Exclude<EmbeddingType, null>;
}

/** A token grid of the comparison of resolutions. */
export interface GridSettings {
  /** Tokens in a row, and rows. */
  readonly size: number;
  /** Steps of DPAR and LlamaGen. */
  readonly steps: number;
  readonly entropySteps: number;
  readonly batchSize: number;
  /** True to train from all seeds and measure quality; otherwise only times are measured. */
  readonly quality: boolean;
}

/** All settings: the same settings give the same figures, except times. */
export interface Settings {
  /** About how many emoji are read; all if left out. */
  readonly emoji?: number;
  /** Seeds of DPAR and LlamaGen. */
  readonly seeds: readonly number[];
  /** Number of seeds for tables that vary guidance, the length of training, or patches at inference. */
  readonly sweepSeeds: number;
  /** Width, heads and global layers of DPAR. LlamaGen has as many layers as DPAR in all, as in the paper. */
  readonly model: {
    readonly dim: number;
    readonly nHead: number;
    readonly nLayer: number;
    /** The feed-forward width is a multiple of this. */
    readonly multipleOf: number;
  };
  readonly training: TrainingSettings;
  readonly entropy: TrainingSettings & { readonly dim: number; readonly nLayer: number; readonly nHead: number };
  /** Boundary head of a trained DPAR. */
  readonly head: TrainingSettings & {
    readonly hiddenWidth: number;
    /** Images of an evaluation. */
    readonly images: number;
  };
  /** Size of an entropy model with about half the parameters. */
  readonly halfEntropy: { readonly dim: number; readonly nLayer: number; readonly nHead: number };
  readonly patching: { readonly targetMeanPatchLength: number; readonly maxPatchLength: number };
  readonly features: TrainingSettings & {
    readonly channels: readonly [number, number, number, number];
    /** Copies of each training image. All except the first are shifted and perhaps mirrored. */
    readonly copies: number;
  };
  readonly sampling: {
    /** Images of an evaluation. */
    readonly images: number;
    readonly batchSize: number;
    readonly seed: number;
    /** Scale of classifier-free guidance in tables that do not vary it. */
    readonly guidance: number;
    readonly temperature: number;
    readonly topP: number;
  };
  /** Table S7: scales of guidance. */
  readonly guidanceScales: readonly number[];
  /** Table S8: shares of the training after which images are generated. The paper's are 50, 100, 200 and 300 epochs. */
  readonly trainingShares: readonly number[];
  readonly grids: readonly GridSettings[];
  /** Images of a timed batch. */
  readonly timedImages: number;
  /** Timed steps of each model. */
  readonly timedSteps: number;
  /** Images that the model of @dpar/emoji draws, from each of some seeds. */
  readonly shipped: {
    readonly images: number;
    readonly seeds: readonly number[];
    readonly guidance: number;
    readonly temperature: number;
    readonly topP: number;
  };
  /** Patches at inference: mean and longest length in tokens. */
  readonly largerPatches: readonly { readonly mean: number; readonly longest: number }[];
}

/** Width of a token in pixels, in the tokenizer of @dpar/emoji. */
export const patchSize = 4;

/** Tokens in a row of an emoji of 64 pixels, and rows. */
export const mainGrid = 16;

/** Timed rounds of generation, after one that compiles. */
export const timedRounds = 3;

/** DPAR of tables that vary neither depth nor positions. */
export const baseVariant: Variant = { encoderLayers: 1, decoderLayers: 4, embedding: 'dynamic_4d' };

const guidanceScales = [1, 1.5, 1.75, 1.9, 2, 2.1];

const trainingShares = [1 / 6, 1 / 3, 2 / 3, 1];

const largerPatches = [
  { mean: 1.81, longest: 4 },
  { mean: 1.81, longest: 8 },
  { mean: 2.1, longest: 4 },
  { mean: 2.1, longest: 8 },
  { mean: 2.5, longest: 8 },
  { mean: 3, longest: 8 },
  { mean: 3, longest: 16 },
];

/** All tables: some hours. */
export const fullSettings: Settings = {
  seeds: [0, 1, 2],
  sweepSeeds: 3,
  model: { dim: 64, nHead: 1, nLayer: 4, multipleOf: 32 },
  training: { steps: 480, batchSize: 16, learningRate: 5e-3, warmupSteps: 60 },
  entropy: { steps: 600, batchSize: 16, learningRate: 5e-3, warmupSteps: 60, dim: 96, nLayer: 2, nHead: 1 },
  head: { steps: 600, batchSize: 16, learningRate: 5e-3, warmupSteps: 60, hiddenWidth: 64, images: 300 },
  halfEntropy: { dim: 64, nLayer: 2, nHead: 1 },
  patching: { targetMeanPatchLength: 1.81, maxPatchLength: 4 },
  features: {
    steps: 1500,
    batchSize: 64,
    learningRate: 3e-3,
    warmupSteps: 50,
    channels: [24, 48, 96, 64],
    copies: 4,
  },
  sampling: { images: 1000, batchSize: 125, seed: 0, guidance: 1.5, temperature: 1, topP: 1 },
  guidanceScales,
  trainingShares,
  grids: [
    { size: 4, steps: 480, entropySteps: 480, batchSize: 16, quality: true },
    { size: 8, steps: 480, entropySteps: 480, batchSize: 16, quality: true },
    { size: 16, steps: 480, entropySteps: 480, batchSize: 16, quality: true },
    { size: 24, steps: 100, entropySteps: 400, batchSize: 8, quality: false },
    { size: 32, steps: 60, entropySteps: 400, batchSize: 4, quality: false },
  ],
  shipped: { images: 1000, seeds: [0, 1, 2], guidance: 1.5, temperature: 1, topP: 0.98 },
  timedImages: 16,
  timedSteps: 10,
  largerPatches,
};

/** All tables within a quarter of an hour, with every fourth emoji: a test, without meaningful figures. */
export const quickSettings: Settings = {
  ...fullSettings,
  emoji: 1000,
  sweepSeeds: 1,
  training: { ...fullSettings.training, steps: 18, warmupSteps: 6 },
  entropy: { ...fullSettings.entropy, steps: 60, warmupSteps: 20 },
  head: { ...fullSettings.head, steps: 60, warmupSteps: 20, images: 24 },
  features: { ...fullSettings.features, steps: 120, warmupSteps: 20, copies: 1 },
  sampling: { ...fullSettings.sampling, images: 24, batchSize: 24 },
  grids: [
    { size: 4, steps: 60, entropySteps: 60, batchSize: 16, quality: true },
    { size: 8, steps: 60, entropySteps: 60, batchSize: 16, quality: true },
    { size: 16, steps: 18, entropySteps: 60, batchSize: 16, quality: true },
    { size: 24, steps: 2, entropySteps: 24, batchSize: 4, quality: false },
    { size: 32, steps: 2, entropySteps: 24, batchSize: 2, quality: false },
  ],
  shipped: { ...fullSettings.shipped, images: 24, seeds: [0] },
  timedImages: 4,
  timedSteps: 3,
  largerPatches: largerPatches.slice(0, 4),
};

/** Smallest settings that run every table, for tests. */
export const smokeSettings: Settings = {
  ...quickSettings,
  emoji: 160,
  seeds: [0],
  model: { dim: 32, nHead: 1, nLayer: 1, multipleOf: 16 },
  training: { ...quickSettings.training, steps: 6, warmupSteps: 2, batchSize: 4 },
  entropy: { ...quickSettings.entropy, steps: 6, warmupSteps: 2, batchSize: 4, dim: 32, nLayer: 1 },
  head: { ...quickSettings.head, steps: 6, warmupSteps: 2, batchSize: 4, hiddenWidth: 16, images: 8 },
  halfEntropy: { dim: 16, nLayer: 1, nHead: 1 },
  features: { ...quickSettings.features, steps: 6, warmupSteps: 2, batchSize: 16, channels: [4, 8, 8, 8] },
  sampling: { ...quickSettings.sampling, images: 8, batchSize: 8 },
  guidanceScales: [1, 2],
  trainingShares: [1 / 2, 1],
  grids: [
    { size: 4, steps: 2, entropySteps: 2, batchSize: 4, quality: true },
    { size: 8, steps: 2, entropySteps: 2, batchSize: 2, quality: false },
  ],
  shipped: { ...quickSettings.shipped, images: 4 },
  timedImages: 2,
  timedSteps: 1,
  largerPatches: largerPatches.slice(0, 2),
};
