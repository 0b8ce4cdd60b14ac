import type { EmojiModel, Weights } from '@dpar/emoji';
import { type DparConfig, dparMacs, type LlamaGenConfig, llamaGenMacs } from '@dpar/model';

/** The emoji model, with the LlamaGen of its size where the package has one. */
export type PlaygroundModel = EmojiModel & { readonly llamagen?: Weights<LlamaGenConfig> };

/** What the page knows of the model. */
export interface ModelInfo {
  readonly classes: readonly string[];
  readonly dpar: DparConfig;
  readonly llamagen: LlamaGenConfig | undefined;
  /** Tokens in a row of the grid, and rows. */
  readonly gridSize: number;
  /** Width and height of an image in pixels. */
  readonly imageSize: number;
  /** The engine's name with its version and threads. */
  readonly engine: string;
}

/** What the page needs to know of a model that an engine runs. */
export function modelInfo(model: PlaygroundModel, engine: string): ModelInfo {
  const { tokenizer, dpar, llamagen, classes } = model;
  const { imageSize, patchSize } = tokenizer.config;
  return {
    classes,
    dpar: dpar.config,
    llamagen: llamagen?.config,
    gridSize: imageSize / patchSize,
    imageSize,
    engine,
  };
}

/** The LlamaGen that DPAR is compared with: the model's own, else one with as many blocks as the DPAR has in all. */
export function llamaGenOf({ dpar: config, llamagen }: Pick<ModelInfo, 'dpar' | 'llamagen'>): LlamaGenConfig {
  if (llamagen) return llamagen;
  const { dim, nHead, multipleOf, vocabSize, blockSize, numClasses, ropeBase, normEps, clsTokenNum } = config;
  const nLayer = config.nLocalEncoderLayers + config.nLayer + config.nLocalDecoderLayers;
  return { dim, nHead, multipleOf, vocabSize, blockSize, numClasses, ropeBase, normEps, clsTokenNum, nLayer };
}

/**
 * Share of the multiplications of LlamaGen that DPAR is spared, as Table S1 counts them; negative if DPAR needs more.
 * @param patches Patches of the image.
 */
export function operationSaving(models: Pick<ModelInfo, 'dpar' | 'llamagen'>, patches: number): number {
  return 1 - dparMacs(models.dpar, patches) / llamaGenMacs(llamaGenOf(models));
}
