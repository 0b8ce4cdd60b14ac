import { loadModel } from '@dpar/model/node';
import type { Engine } from '@dpar/tensor';
import { createTokenizer, type ImageTokenizer, type TokenizerOptions, tokenizerKinds } from '@dpar/tokenizer';
import { CommandError } from './command/errors.js';

/** Tokens that a model works with. */
export interface TokenGrid {
  /** Tokens of an image, T. */
  readonly blockSize: number;
  /** Number of different tokens, V. */
  readonly vocabSize: number;
}

/**
 * Loads a tokenizer's checkpoint folder.
 * @throws DparError if it holds another kind of model.
 */
export async function openTokenizer(
  folder: string,
  engine: Engine,
  options: TokenizerOptions = {},
): Promise<ImageTokenizer> {
  return createTokenizer(engine, await loadModel(folder, { kinds: tokenizerKinds }), options);
}

/**
 * Loads the tokenizer that belongs to a model.
 * @throws CommandError if its kind is unknown, or it was not made for the model's tokens.
 */
export async function loadTokenizer(folder: string, engine: Engine, model: TokenGrid): Promise<ImageTokenizer> {
  const tokenizer = await openTokenizer(folder, engine);
  const { codebookSize } = tokenizer;
  // Any square will do: LlamaGen's tokenizer of 256 px makes the images of its models of 384 px too.
  if (!Number.isInteger(Math.sqrt(model.blockSize)) || codebookSize !== model.vocabSize) {
    throw new CommandError(
      `expected a tokenizer of ${model.vocabSize} codes and a model of a square of tokens, ` +
        `got ${codebookSize} codes in '${folder}' and ${model.blockSize} tokens. Use the one that the model was trained with.`,
    );
  }
  return tokenizer;
}
