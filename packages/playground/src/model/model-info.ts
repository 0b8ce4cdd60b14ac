import type { EntropyModelConfig } from '@dpar/entropy';
import { isWord, shownName } from '@dpar/io';
import type { DparConfig, LlamaGenConfig } from '@dpar/model';
import { hasNullClass } from '@dpar/nn';
import type { PatchingOptions } from '@dpar/patchify';
import type { TokenizerArchitecture } from '@dpar/tokenizer';
import type { ModelCosts } from './costs.js';
import { countCosts, countWeights, equivalentLlamaGen, type WeightCounts } from './count-costs.js';
import { drawingSource, type EntropySource, patchingBy } from './entropy-source.js';
import { tuningBatch, tuningBytes } from './tuning-memory.js';

/**
 * Information on the model for the page. It is plain data in the manifest, so that the page shows everything but results before
 * any model is loaded, and its program needs no code of models.
 */
export interface ModelInfo {
  /** Names of the classes; a label is an index into them. */
  readonly classes: readonly string[];
  /** Words of prompts. Their labels follow those of the classes. */
  readonly words: readonly string[];
  /** Width and height of images in pixels. */
  readonly imageSize: number;
  /** Tokens in a row of the grid, and rows. */
  readonly gridSize: number;
  /** Tokens of an image. */
  readonly blockSize: number;
  readonly vocabSize: number;
  /** True if all models can draw with guidance. */
  readonly hasGuidance: boolean;
  /** Source of the entropies that DPAR draws with. */
  readonly source: EntropySource;
  /** Patching by the entropies of each source that there is. */
  readonly patching: Partial<Readonly<Record<EntropySource, PatchingOptions>>>;
  /** Blocks of the entropy model; 0 without one. */
  readonly entropyBlocks: number;
  /** Blocks of LlamaGen, or of one that would compare with DPAR. */
  readonly llamagenBlocks: number;
  readonly costs: ModelCosts;
  readonly weights: WeightCounts;
  /** Images of a batch of fine-tuning, and bytes of a step; a batch of 0 if the model is too large for a page. */
  readonly tuning: { readonly batch: number; readonly bytes: number };
}

/** Configurations and sizes of a model, as its folder has them. */
export interface InformedModel {
  readonly tokenizer: TokenizerArchitecture;
  readonly dpar: DparConfig;
  readonly entropy: EntropyModelConfig | undefined;
  readonly llamagen: LlamaGenConfig | undefined;
  /** Names of classes, then words (see `isWord` of `@dpar/io`). */
  readonly names: readonly string[];
  readonly imageSize: number;
  readonly gridSize: number;
}

/** Information on a model. A missing LlamaGen is replaced by an equivalent one, for its costs. */
export function modelInfo({ names, imageSize, gridSize, ...model }: InformedModel): ModelInfo {
  const { tokenizer, dpar, entropy, llamagen = equivalentLlamaGen(dpar) } = model;
  const source = drawingSource(dpar);
  const batch = tuningBatch(dpar) ?? 0;
  const compared = { tokenizer, dpar, entropy, llamagen };
  return {
    classes: names.filter((name) => !isWord(name)),
    words: names.filter(isWord).map(shownName),
    imageSize,
    gridSize,
    blockSize: dpar.blockSize,
    vocabSize: dpar.vocabSize,
    hasGuidance: hasNullClass(dpar) && hasNullClass(llamagen),
    source,
    patching: {
      ...(source === 'head' && { head: patchingBy('head', dpar) }),
      ...(entropy && { entropy: patchingBy('entropy', dpar) }),
    },
    entropyBlocks: entropy?.nLayer ?? 0,
    llamagenBlocks: llamagen.nLayer,
    costs: countCosts(compared),
    weights: countWeights(compared),
    tuning: { batch, bytes: tuningBytes(dpar, Math.max(1, batch)) },
  };
}
