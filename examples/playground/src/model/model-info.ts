import type { OpenEmojiModel } from '@dpar/emoji';
import { type DparConfig, dparMacs, type LlamaGenConfig, llamaGenMacs } from '@dpar/model';

/** What the page knows of the model. */
export interface ModelInfo {
  readonly classes: readonly string[];
  readonly dpar: DparConfig;
  readonly llamagen: LlamaGenConfig;
  /** Tokens in a row of the grid, and rows. */
  readonly gridSize: number;
  /** Width and height of an image in pixels. */
  readonly imageSize: number;
  /** The engine's name with its version and threads. */
  readonly engine: string;
}

/** What the page needs to know of a model that an engine runs. */
export function modelInfo({ configs, classes }: Omit<OpenEmojiModel, 'weights'>, engine: string): ModelInfo {
  const { tokenizer, dpar, llamagen } = configs;
  const { imageSize, patchSize } = tokenizer;
  return { classes, dpar, llamagen, gridSize: imageSize / patchSize, imageSize, engine };
}

/**
 * Share of the multiplications of LlamaGen that DPAR is spared, as Table S1 counts them; negative if DPAR needs more.
 * @param patches Patches of the image.
 */
export function operationSaving({ dpar, llamagen }: Pick<ModelInfo, 'dpar' | 'llamagen'>, patches: number): number {
  return 1 - dparMacs(dpar, patches) / llamaGenMacs(llamagen);
}
