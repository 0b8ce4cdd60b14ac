import type { EntropyModelConfig } from '@dpar/entropy';
import { imageSize } from '@dpar/example-kit/emoji';
import { type DparConfig, dparPreset, type LlamaGenConfig, llamaGenPreset, type Preset } from '@dpar/model';
import type { TokenizerSettings } from './stages/tokenizer.js';

/** Training of one model: AdamW with warm-up and a cosine schedule. */
export interface TrainingSettings {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  /** Validations, spread over the run. */
  readonly validations: number;
}

/** All settings of a run: the same settings give the same tokens. */
export interface Settings {
  readonly seed: number;
  /** About how many images are read; all if left out. */
  readonly images?: number;
  /** Copies of each training image. All except the first are changed. */
  readonly copies: number;
  readonly tokenizer: TokenizerSettings;
  readonly entropyModel: TrainingSettings & { readonly dim: number; readonly nLayer: number; readonly nHead: number };
  readonly patching: { readonly targetMeanPatchLength: number; readonly maxPatchLength: number };
  /** DPAR and LlamaGen, which are trained alike. */
  readonly models: TrainingSettings & {
    readonly size: Preset;
    /** Feed-forward widths are multiples of these, which gives both models about the same number of parameters. */
    readonly multipleOf: { readonly dpar: number; readonly llamaGen: number };
  };
  readonly generation: {
    readonly imagesPerClass: number;
    readonly guidanceScale: number;
    readonly temperature: number;
    readonly topP: number;
  };
}

const patchSize = 4;
/** Tokens in a row of an image, and rows. */
export const gridSize = imageSize / patchSize;

/** Minutes of `npm run demo` on two cores; training is scaled to other times. */
export const defaultMinutes = 10;

/** Minutes that do not depend on training: reading images, generating images, the report. */
const fixedMinutes = 1.5;

/** Longer runs train a larger model, on changed copies of the images too. */
const longMinutes = 25;

/** Settings for a run of about the given minutes. */
export function settingsFor(minutes: number, seed: number): Settings {
  const scale = (minutes - fixedMinutes) / (defaultMinutes - fixedMinutes);
  const steps = (count: number): number => Math.max(100, Math.round(count * scale));
  const training = { validations: 12, batchSize: 8, learningRate: 5e-3, warmupSteps: 60 };
  const shared = {
    seed,
    tokenizer: {
      config: { imageSize, patchSize, codebookSize: 512, hiddenDim: 256 },
      codebookImages: 1000,
      iterations: 15,
      steps: Math.min(4000, steps(500)),
      batchSize: 16,
      learningRate: 5e-3,
    },
    patching: { targetMeanPatchLength: 1.8, maxPatchLength: 4 },
    // Lower temperatures and values of top-p leave many images white: the background is the likeliest beginning.
    generation: { imagesPerClass: 4, guidanceScale: 1.5, temperature: 1, topP: 0.98 },
  };
  if (minutes < longMinutes) {
    const size = { dim: 96, nHead: 2, nLocalEncoderLayers: 1, nLayer: 2, nLocalDecoderLayers: 1, llamaGenLayers: 4 };
    return {
      ...shared,
      copies: 1,
      entropyModel: { ...training, dim: 64, nLayer: 2, nHead: 1, steps: steps(900) },
      models: { ...training, size, multipleOf: { dpar: 64, llamaGen: 96 }, steps: steps(1800) },
    };
  }
  const size = { dim: 128, nHead: 2, nLocalEncoderLayers: 1, nLayer: 4, nLocalDecoderLayers: 2, llamaGenLayers: 7 };
  return {
    ...shared,
    copies: 4,
    entropyModel: { ...training, dim: 96, nLayer: 2, nHead: 2, steps: steps(600) },
    models: { ...training, learningRate: 3e-3, size, multipleOf: { dpar: 64, llamaGen: 84 }, steps: steps(750) },
  };
}

/** Settings of the smoke test: every part runs for a few steps. */
export function smokeSettings(seed: number): Settings {
  const training = { validations: 2, batchSize: 8, learningRate: 3e-3, warmupSteps: 5 };
  const usual = settingsFor(defaultMinutes, seed);
  return {
    ...usual,
    images: 400,
    tokenizer: {
      ...usual.tokenizer,
      config: { ...usual.tokenizer.config, codebookSize: 128, hiddenDim: 64 },
      codebookImages: 200,
      iterations: 5,
      steps: 60,
    },
    entropyModel: { ...training, dim: 64, nLayer: 1, nHead: 1, steps: 30 },
    models: {
      ...training,
      steps: 30,
      size: { dim: 64, nHead: 1, nLocalEncoderLayers: 1, nLayer: 1, nLocalDecoderLayers: 1, llamaGenLayers: 3 },
      multipleOf: { dpar: 8, llamaGen: 64 },
    },
    generation: { ...usual.generation, imagesPerClass: 1 },
  };
}

/** Configurations of the three models. */
export function modelConfigs(settings: Settings, numClasses: number) {
  const { tokenizer, entropyModel, models, patching } = settings;
  const options = { gridSize, vocabSize: tokenizer.config.codebookSize, numClasses };
  const preset = dparPreset(models.size, { ...options, multipleOf: models.multipleOf.dpar });
  const llamaGen: LlamaGenConfig = llamaGenPreset(models.size, { ...options, multipleOf: models.multipleOf.llamaGen });
  const { dim, nLayer, nHead } = entropyModel;
  const entropy: EntropyModelConfig = { ...llamaGen, dim, nLayer, nHead, clsTokenNum: 0 };
  const dpar = (threshold: number): DparConfig => ({
    ...preset,
    patching: { ...preset.patching, threshold, maxPatchLength: patching.maxPatchLength },
  });
  return { llamaGen, entropy, dpar };
}
