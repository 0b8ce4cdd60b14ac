import { hasNullClass } from '@dpar/nn';
import { type ComparedModels, equivalentLlamaGen } from './costs.js';
import type { OpenModel } from './open-model.js';

/** Information on the model for the page. */
export interface ModelInfo extends ComparedModels {
  readonly classes: readonly string[];
  /** Tokens in a row of the grid, and rows. */
  readonly gridSize: number;
  /** Width and height of an image in pixels. */
  readonly imageSize: number;
  /** True if all models can draw with guidance. */
  readonly hasGuidance: boolean;
  /** The engine's name with its version and threads. */
  readonly engine: string;
}

/** Information on a model that an engine runs. A missing LlamaGen is replaced by an equivalent one, for its costs. */
export function modelInfo({ configs, classes }: Pick<OpenModel, 'configs' | 'classes'>, engine: string): ModelInfo {
  const { tokenizer, dpar, entropy, llamagen = equivalentLlamaGen(dpar) } = configs;
  const gridSize = Math.sqrt(dpar.blockSize);
  const imageSize = gridSize * tokenizer.kind.pixelsPerCode(tokenizer.config);
  const hasGuidance = hasNullClass(dpar) && hasNullClass(llamagen);
  return { classes, dpar, entropy, llamagen, gridSize, imageSize, hasGuidance, engine };
}
