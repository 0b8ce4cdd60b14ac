import { readCheckpoint } from '@dpar/io/node';
import type { Engine } from '@dpar/tensor';
import { createPatchVq, type ImageTokenizer, readPatchVqConfig } from '@dpar/tokenizer';
import { CommandError } from './errors.js';

/** Tokens that a model works with. */
export interface TokenGrid {
  /** Tokens of an image, T. */
  readonly blockSize: number;
  /** Number of different tokens, V. */
  readonly vocabSize: number;
}

/**
 * Loads a tokenizer's checkpoint folder.
 * @throws CommandError if it is of a kind that is not known, or not made for the model's tokens.
 */
export async function loadTokenizer(folder: string, engine: Engine, model: TokenGrid): Promise<ImageTokenizer> {
  const { config, parameters } = await readCheckpoint(folder);
  if (config.kind !== 'patch-vq') {
    const remedy = config.kind === 'vq' ? 'LlamaGen tokenizers (vq) are not in this version.' : 'Pass another folder.';
    throw new CommandError(
      `expected a tokenizer of kind "patch-vq" in '${folder}', got ${JSON.stringify(config.kind) ?? "no 'kind'"}. ${remedy}`,
    );
  }
  const tokenizer = createPatchVq(engine, readPatchVqConfig(config), parameters);
  const { gridSize, codebookSize } = tokenizer;
  if (gridSize * gridSize !== model.blockSize || codebookSize !== model.vocabSize) {
    throw new CommandError(
      `expected a tokenizer of ${model.blockSize} tokens an image and ${model.vocabSize} codes as the model has them, ` +
        `got ${gridSize * gridSize} and ${codebookSize} in '${folder}'. Use the one that the model was trained with.`,
    );
  }
  return tokenizer;
}
