import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { missingEntropies } from './patch-counts.js';
import { type Batch, sizeOfSet, type TokenSet, tokenSet } from './token-set.js';
import type { TokenSource } from './token-source.js';
import { tokenSourceKinds } from './token-source.js';
import type { TrainableModel } from './trainable.js';
import { trainableModelKinds } from './trainable.js';

/**
 * Checks that a set can be read by a model: types and shapes, tokens per image, token and class range.
 * @param name What the set is called in messages.
 * @param nameOf What a row of the set is called.
 * @throws DparError naming what does not fit, and the first image where.
 */
export function checkTokenSet(
  model: TrainableModel,
  set: TokenSet,
  name: string,
  nameOf: NameOfRow = (row) => `image ${row}`,
): void {
  checkArguments(
    'checkTokenSet',
    { model, set, name, nameOf },
    { model: trainableModelKinds, set: 'object', name: 'string', 'nameOf?': 'function' },
  );

  checkSize(model, sizeOfSet(tokenSet(set)), name);
  checkRanges(model, set, name, nameOf);
}

/**
 * Checks what is known of a source before anything is loaded: tokens per image, and entropies where the model needs them.
 * @throws DparError naming what does not fit.
 */
export function checkTokenSource(model: TrainableModel, source: TokenSource, name: string): void {
  checkArguments(
    'checkTokenSource',
    { model, source, name },
    { model: trainableModelKinds, source: tokenSourceKinds, name: 'string' },
  );

  checkSize(model, source, name);
  if (model.needsEntropies && !source.hasEntropies) throw missingEntropies('checkTokenSource');
}

/**
 * Checks the token and class range of a batch that a source has loaded.
 * @throws DparError naming what does not fit, and the first image and its file where.
 */
export function checkBatch(model: TrainableModel, batch: Batch, source: TokenSource, name: string): void {
  checkRanges(model, batch, name, (row) => source.nameOf(batch.images[row] as number));
}

function checkSize(model: TrainableModel, size: { images: number; tokensPerImage: number }, name: string): void {
  const { images, tokensPerImage } = size;
  if (images > 0 && tokensPerImage === model.tokensPerImage) return;
  throw new DparError(
    `checkTokenSet: expected images of ${model.tokensPerImage} tokens (the model's 'block_size') as ${name}, ` +
      `got ${images} images of ${tokensPerImage}. Tokenize them at the model's resolution.`,
  );
}

type NameOfRow = (row: number) => string;

function checkRanges(model: TrainableModel, set: TokenSet, name: string, nameOf: NameOfRow): void {
  checkRange(`tokens of ${name}`, set.tokens.data, model.vocabSize - 1, model.tokensPerImage, nameOf);
  if (model.nullClass !== undefined) checkRange(`labels of ${name}`, set.labels.data, model.nullClass, 1, nameOf);
}

function checkRange(what: string, values: Int32Array, largest: number, perImage: number, nameOf: NameOfRow): void {
  const wrong = values.findIndex((value) => !(value >= 0 && value <= largest));
  if (wrong < 0) return;
  throw new DparError(
    `checkTokenSet: expected ${what} from 0 to ${largest}, got ${values[wrong]} in ${nameOf(Math.floor(wrong / perImage))}. ` +
      'Use the tokenizer and classes that the model is configured for.',
  );
}
