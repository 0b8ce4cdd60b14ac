import type { WeightFormat } from '@dpar/tensor';
import type { EntropyModelSize } from './configs.js';

/** A base model that generates images. */
export interface Variant {
  /** Images at a time. */
  readonly batch: number;
  /** Tokens in a row and in a column of an image. */
  readonly gridSize: number;
  /** Format of the model's weights. */
  readonly weights: WeightFormat;
  /** What patches are made by: DPAR. Without it the model is LlamaGen. */
  readonly entropyModel?: EntropyModelVariant;
}

/** How DPAR's patches are made. */
export interface EntropyModelVariant {
  readonly size: EntropyModelSize;
  readonly weights: WeightFormat;
  /** The threshold is chosen so that patches have this many tokens. */
  readonly targetMeanPatchLength: number;
}
