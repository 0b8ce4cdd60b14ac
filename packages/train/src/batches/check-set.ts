import type { KindsOf } from '@dpar/check';
import { architectureArgument, hasNullClass, type ImageArchitecture } from '@dpar/nn';
import { DparError, type Shape } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type Batch, sizeOfSet, type TokenSet, tokenSet } from './token-set.js';
import type { TokenSource } from './token-source.js';
import { missingEntropies, tokenSourceKinds } from './token-source.js';

/** Options of {@link checkTokenSet}. */
export interface CheckOptions {
  /** Name of a row of the set in messages (default: `image 7`). */
  readonly nameOf?: (row: number) => string;
  /**
   * Accepts the null class as a label, if the model has one (default: false). Labels that count from 1 are refused in any
   * case: see {@link countsFromOne}.
   */
  readonly nullClass?: boolean;
}

const checkOptionsKinds: KindsOf<CheckOptions> = { 'nameOf?': 'function', 'nullClass?': 'boolean' };

/**
 * Checks that a set fits a model: types and shapes, tokens per image, range of tokens and classes.
 * @param name Name of the set in messages.
 * @throws DparError naming the fault and the first image that has it.
 */
export function checkTokenSet(model: ImageArchitecture, set: TokenSet, name: string, options: CheckOptions = {}): void {
  checkArguments(
    'checkTokenSet',
    { model, set, name, options },
    { model: architectureArgument, set: 'object', name: 'string', 'options?': checkOptionsKinds },
  );

  checkSize(model, sizeOfSet(tokenSet(set)), name);
  checkRanges(model, set, name, options);
}

/**
 * Checks a source before anything is loaded: tokens per image, and entropies if the model needs them.
 * @throws DparError naming the fault.
 */
export function checkTokenSource(model: ImageArchitecture, source: TokenSource, name: string): void {
  checkArguments(
    'checkTokenSource',
    { model, source, name },
    { model: architectureArgument, source: tokenSourceKinds, name: 'string' },
  );

  checkSize(model, source, name);
  if (model.kind.needsEntropies(model.config) && !source.hasEntropies) throw missingEntropies('checkTokenSource');
}

/**
 * Checks the range of tokens and classes of a batch that a source has loaded.
 * @throws DparError naming the fault, and the first image that has it with its file.
 */
export function checkBatch(model: ImageArchitecture, batch: Batch, source: TokenSource, name: string): void {
  checkRanges(model, batch, name, { nameOf: (row) => source.nameOf(batch.images[row] as number) });
}

function checkSize(model: ImageArchitecture, size: { images: number; tokensPerImage: number }, name: string): void {
  const { images, tokensPerImage } = size;
  if (images > 0 && tokensPerImage === model.config.blockSize) return;
  throw new DparError(
    `checkTokenSet: expected images of ${model.config.blockSize} tokens (the model's 'block_size') as ${name}, ` +
      `got ${images} images of ${tokensPerImage}. Tokenize them at the model's resolution.`,
  );
}

function checkRanges(model: ImageArchitecture, set: TokenSet, name: string, options: CheckOptions): void {
  const { nameOf = (row) => `image ${row}` } = options;
  const tokens = set.tokens.data;
  const wrong = tokens.findIndex((token) => !(token >= 0 && token < model.config.vocabSize));
  if (wrong >= 0) {
    throw new DparError(
      `checkTokenSet: expected tokens of ${name} from 0 to ${model.config.vocabSize - 1}, got ${tokens[wrong]} in ` +
        `${nameOf(Math.floor(wrong / model.config.blockSize))}. Use the tokenizer that the model is configured for.`,
    );
  }
  if (!model.kind.hasClasses) return;
  checkLabels(set.labels.data, model.config.numClasses, name, {
    ...options,
    hasNull: hasNullClass(model.config),
    nameOf: (at) => nameOf(Math.floor(at / wordsOf(set.labels.shape))),
  });
}

/** Words of an image's prompt; 1 for labels. */
const wordsOf = ([, words = 1]: Shape): number => words;

function checkLabels(
  labels: Int32Array,
  classes: number,
  name: string,
  { nullClass = false, hasNull, nameOf }: CheckOptions & Required<Pick<CheckOptions, 'nameOf'>> & { hasNull: boolean },
): void {
  const largest = nullClass && hasNull && !countsFromOne(labels, classes) ? classes : classes - 1;
  const wrong = labels.findIndex((label) => !(label >= 0 && label <= largest));
  if (wrong < 0) return;
  const none = hasNull
    ? ', the null class of images without a class,'
    : ', though the model has no null class (class_dropout_prob 0),';
  const isNull = labels[wrong] === classes ? none : '';
  throw new DparError(
    `checkTokenSet: expected labels of ${name} from 0 to ${classes - 1}, got ${labels[wrong]}${isNull} in ${nameOf(wrong)}. ` +
      remedyFor(labels, classes),
  );
}

/**
 * True for labels that cover all numbers from 1 to the number of classes, without 0. Their data set counts from 1, and its
 * last class would be the null class here.
 */
export function countsFromOne(labels: ArrayLike<number>, classes: number): boolean {
  checkArguments('countsFromOne', { labels, classes }, { labels: 'number[]', classes: 'number' });
  const there = new Set(Array.from(labels));
  return classes > 1 && there.size === classes && !there.has(0) && there.has(1) && there.has(classes);
}

function remedyFor(labels: Int32Array, classes: number): string {
  const [least, most] = labels.reduce(([low, high], label) => [Math.min(low, label), Math.max(high, label)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as readonly [number, number]);
  const range = `These labels go from ${least} to ${most}`;
  if (least === 1 && most === classes) return `${range} as if classes were counted from 1: subtract 1 from each label.`;
  if (least < 0) return `${range}: number classes from 0.`;
  return `${range}: set num_classes to ${most + 1}, or number classes from 0.`;
}
