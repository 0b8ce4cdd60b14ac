import type { Calibration } from '@dpar/entropy';
import type { ImageSet } from '@dpar/example-kit/emoji';
import type { DparConfig, LlamaGenConfig } from '@dpar/model';
import type { PatchStatistics } from '@dpar/patchify';
import type { HostTensor } from '@dpar/tensor';
import type { TokenSet } from '@dpar/train';
import type { modelConfigs, Settings } from './settings.js';
import type { Generated } from './stages/generation.js';
import type { TrainingResult } from './stages/training-result.js';

/** A trained model with its configuration and the figures of its training. */
export interface ModelResult<C> {
  readonly config: C;
  readonly parameters: Record<string, HostTensor>;
  readonly training: TrainingResult;
}

/** A trained model with images that it generated. */
export interface GeneratorResult<C> extends ModelResult<C> {
  readonly generated: Generated;
  /** [B, 64, 64, 3], 0..255 */
  readonly pixels: Uint8Array;
}

/** A set of images as tokens. */
export interface TokenizedImages {
  readonly images: ImageSet;
  readonly tokens: TokenSet;
  /** [N, 64, 64, 3]: images of the tokens. */
  readonly reconstructed: Uint8Array;
  /** PSNR of all images together, dB. */
  readonly psnr: number;
}

/** A set of images as tokens and patches. */
export interface PatchedImages extends TokenizedImages {
  /** Tokens with their entropies. */
  readonly tokens: Required<TokenSet>;
  readonly patchLengths: readonly Int32Array[];
  readonly patches: PatchStatistics;
}

/** Multiply-accumulates of a forward pass for one image. */
export interface Compute {
  readonly dpar: number;
  readonly llamaGen: number;
}

/** All results of a run. */
export interface Results {
  readonly settings: Settings;
  /** Name of the engine. */
  readonly engine: string;
  readonly classes: readonly string[];
  readonly train: PatchedImages;
  readonly validation: PatchedImages;
  readonly tokenizer: Record<string, HostTensor>;
  readonly entropyModel: ModelResult<ReturnType<typeof modelConfigs>['entropy']>;
  readonly calibration: Calibration;
  readonly dpar: GeneratorResult<DparConfig>;
  readonly llamaGen: GeneratorResult<LlamaGenConfig>;
  /** Linear layers only, as in Table S1 of the paper. */
  readonly linearMacs: Compute & { readonly entropyModel: number };
  /** All matrix products, attention included. */
  readonly matmulMacs: Compute;
  /** Class of each generated image. */
  readonly labels: Int32Array;
}
