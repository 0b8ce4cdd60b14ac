import type { OpenEmojiModel } from '@dpar/emoji';
import type { ComparedModels } from './costs.js';

/** Information on the model for the page. */
export interface ModelInfo extends ComparedModels {
  readonly classes: readonly string[];
  /** Tokens in a row of the grid, and rows. */
  readonly gridSize: number;
  /** Width and height of an image in pixels. */
  readonly imageSize: number;
  /** The engine's name with its version and threads. */
  readonly engine: string;
}

/** Information on a model that an engine runs. */
export function modelInfo({ configs, classes }: Omit<OpenEmojiModel, 'weights'>, engine: string): ModelInfo {
  const { tokenizer, ...models } = configs;
  const { imageSize, patchSize } = tokenizer;
  return { classes, ...models, gridSize: imageSize / patchSize, imageSize, engine };
}
