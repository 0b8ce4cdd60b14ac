import { DparError } from '@dpar/tensor';
import { sizeOfSet, type TokenSet } from './token-set.js';
import type { TrainableModel } from './trainable.js';

/**
 * Checks that a set can be read by a model: tokens per image, token and class range.
 * @param name What the set is called in messages.
 * @throws DparError naming what does not fit, and the first image where.
 */
export function checkTokenSet(model: TrainableModel, set: TokenSet, name: string): void {
  const { images, tokensPerImage } = sizeOfSet(set);
  if (images === 0 || tokensPerImage !== model.tokensPerImage) {
    throw new DparError(
      `checkTokenSet: expected images of ${model.tokensPerImage} tokens (the model's 'block_size') as ${name}, ` +
        `got ${images} images of ${tokensPerImage}. Tokenize them at the model's resolution.`,
    );
  }
  checkRange(`tokens of ${name}`, set.tokens.data, model.vocabSize - 1, tokensPerImage);
  if (model.nullClass !== undefined) checkRange(`labels of ${name}`, set.labels.data, model.nullClass, 1);
}

function checkRange(what: string, values: Int32Array, largest: number, perImage: number): void {
  const wrong = values.findIndex((value) => !(value >= 0 && value <= largest));
  if (wrong < 0) return;
  throw new DparError(
    `checkTokenSet: expected ${what} from 0 to ${largest}, got ${values[wrong]} in image ${Math.floor(wrong / perImage)}. ` +
      'Use the tokenizer and classes that the model is configured for.',
  );
}
