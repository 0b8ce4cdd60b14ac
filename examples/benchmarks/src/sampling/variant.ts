import { type EntropyModelConfig, entropyModelPresets } from '@dpar/entropy';
import { llamaGenPreset, presets } from '@dpar/model';
import type { WeightFormat } from '@dpar/tensor';

/** Size of the entropy model: GPT-T (6 layers, 512 wide) or GPT-B (12 layers, 768 wide). */
export type EntropyModelSize = 'T' | 'B';

/** A base model that generates images. */
export interface Variant {
  /** Images of a batch. */
  readonly batch: number;
  /** Tokens in a row and in a column of an image. */
  readonly gridSize: number;
  /** Format of the model's weights. */
  readonly weights: WeightFormat;
  /** Entropy model of DPAR. Without it the model is LlamaGen. */
  readonly entropyModel?: EntropyModelVariant;
}

/** Entropy model and patches of DPAR. */
export interface EntropyModelVariant {
  readonly size: EntropyModelSize;
  readonly weights: WeightFormat;
  /** Mean patch length, for which the threshold is calibrated. */
  readonly targetMeanPatchLength: number;
}

/** Configuration of an entropy model for the tokens of the base models. */
export function entropyConfig(size: EntropyModelSize, gridSize: number): EntropyModelConfig {
  return { ...llamaGenPreset(presets.B, { gridSize }), ...entropyModelPresets[size], clsTokenNum: 0 };
}
