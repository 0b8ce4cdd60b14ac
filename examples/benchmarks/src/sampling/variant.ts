import { type EntropyModelConfig, entropyModelPresets } from '@dpar/entropy';
import {
  type BoundaryHeadConfig,
  type DparConfig,
  dparPreset,
  type LlamaGenConfig,
  llamaGenPreset,
  presets,
} from '@dpar/model';
import type { WeightFormat } from '@dpar/tensor';

/** Sizes of models that are measured: presets of `@dpar/model`. */
export type ModelSize = 'B' | 'L' | 'XL';

/** Size of the entropy model: GPT-T (6 layers, 512 wide) or GPT-B (12 layers, 768 wide). */
export type EntropyModelSize = 'T' | 'B';

/** A model that generates images. */
export interface Variant {
  readonly size: ModelSize;
  /** Images at work at the same time. */
  readonly batch: number;
  /** Images of a measurement. If there are more than `batch`, they wait in a queue. Default: `batch`. */
  readonly images?: number;
  /** Tokens in a row and in a column of an image. */
  readonly gridSize: number;
  /** Format of the model's weights. */
  readonly weights: WeightFormat;
  /** Patches of DPAR. Without them the model is LlamaGen. */
  readonly patches?: Patches;
}

/** Patches of DPAR. */
export interface Patches {
  /** Entropy model whose entropies decide where patches start, or the boundary head of DPAR itself. */
  readonly by: EntropyModelVariant | 'head';
  /** Mean patch length, for which the threshold is calibrated. */
  readonly targetMeanPatchLength: number;
}

/** Size of an entropy model and format of its weights. */
export interface EntropyModelVariant {
  readonly size: EntropyModelSize;
  readonly weights: WeightFormat;
}

/** Boundary head of the usual form: a quarter as wide as the model, with three tokens of the row and five above them. */
const boundaryHeadOf = (dim: number, gridSize: number): BoundaryHeadConfig => ({
  hiddenWidth: dim / 4,
  hiddenLayers: 2,
  neighbours: [1, 2, 3, gridSize - 2, gridSize - 1, gridSize, gridSize + 1, gridSize + 2],
  threshold: null,
});

/** Number of images of a measurement. */
export const imagesOf = ({ batch, images = batch }: Pick<Variant, 'batch' | 'images'>): number => images;

/** Configuration of a DPAR. It has a boundary head if no entropy model decides where patches start. */
export function dparConfig({ size, gridSize, patches }: Variant): DparConfig {
  const config = dparPreset(presets[size], { gridSize });
  return patches?.by === 'head' ? { ...config, boundaryHead: boundaryHeadOf(config.dim, gridSize) } : config;
}

/** Configuration of a LlamaGen. */
export function llamaGenConfig({ size, gridSize }: Variant): LlamaGenConfig {
  return llamaGenPreset(presets[size], { gridSize });
}

/** Configuration of an entropy model for the tokens of all sizes of models. */
export function entropyConfig(size: EntropyModelSize, gridSize: number): EntropyModelConfig {
  return { ...llamaGenPreset(presets.B, { gridSize }), ...entropyModelPresets[size], clsTokenNum: 0 };
}
