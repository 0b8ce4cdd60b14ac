import type { KindsOf } from '@dpar/check';
import { type GptConfig, hasNullClass, type ImageModel, modelArgument } from '@dpar/nn';
import { createRandom, DparError, type Random, type WeightFormat } from '@dpar/tensor';
import { checkDecoding, type DecodingOptions } from './choose.js';
import { checkGuidance, type GuidanceOptions, isGuided } from './guidance.js';

/** Settings of a sampler: its entropy model and the formats of weights. */
export interface SamplerOptions {
  /**
   * Entropy model. It is required if patches depend on entropies and the model has no boundary head. A given one is used
   * in place of the head. Ignored if patches do not depend on entropies.
   */
  readonly entropyModel?: ImageModel | undefined;
  /** Format of the weights (default: `float32`). */
  readonly weights?: WeightFormat | undefined;
  /** Format of the entropy model's weights (default: as `weights`). */
  readonly entropyWeights?: WeightFormat | undefined;
}

/** Kinds of {@link SamplerOptions}. */
export const samplerOptionsKinds: KindsOf<SamplerOptions> = {
  'entropyModel?': modelArgument,
  'weights?': "'float32' | 'int8' | 'int4'",
  'entropyWeights?': "'float32' | 'int8' | 'int4'",
};

/**
 * Seconds of each stage of generation: `entropy`, `encoder`, `global` and `decoder`, or `model` for LlamaGen, and `draw`, the
 * choice of tokens.
 */
export type StageSeconds = Readonly<Record<string, number>>;

/** Content of an image: a class, or the words of a prompt, each a class of its own. */
export type Label = number | ArrayLike<number>;

/** Settings of a generation: images, patches, and the drawing of tokens. */
export interface SampleOptions extends DecodingOptions, GuidanceOptions {
  /**
   * Class of each image, or its prompt: the words' classes, whose embeddings are averaged, for a model that was trained with prompts.
   */
  readonly labels: ArrayLike<Label>;
  /**
   * Images that are at work at the same time (default: all). The others wait in a queue, and take the places of finished
   * ones. It decides speed and memory, not what is drawn.
   */
  readonly batchSize?: number | undefined;
  /** Seed of the run (default 0). Image k of a run has its own random stream, keyed by (seed, k). */
  readonly seed?: number;
  /** Number of the first image of this batch in its run (default 0). */
  readonly firstIndex?: number;
  /**
   * Given tokens [B, K], row-major: the first K positions of each image. Default: none.
   */
  readonly prefix?: ArrayLike<number>;
  /** Entropy in nats above which a token starts a patch (default: the model's). Models without patches refuse it. */
  readonly threshold?: number;
  /** Longest patch in tokens (default: the model's). Models without patches refuse it. */
  readonly maxPatchLength?: number;
  /** Stops the generation between two tokens. */
  readonly signal?: AbortSignal;
}

/** Kinds of {@link SampleOptions}, for argument checks. */
export const sampleOptionsKinds = {
  labels: ['number[]', { '[]': 'number | number[]' }],
  'batchSize?': 'number',
  'seed?': 'number',
  'firstIndex?': 'number',
  'prefix?': 'number[]',
  'threshold?': 'number | NaN',
  'maxPatchLength?': 'number | NaN',
  'signal?': 'AbortSignal',
  'greedy?': 'boolean',
  'temperature?': 'number | NaN',
  'topK?': 'number | NaN',
  'topP?': 'number | NaN',
  'guidanceScale?': 'number | NaN',
  'guidanceSchedule?': "'constant' | 'linear' | 'cosine'",
  'guidanceInterval?': 'number[]',
} as const satisfies KindsOf<SampleOptions>;

/** Configuration keys that all samplers read. */
export type SampledConfig = Pick<GptConfig, 'blockSize' | 'vocabSize' | 'numClasses' | 'classDropoutProb'>;

/** Tokens that became known together: one of some images, or all that are given of an image. N tokens. */
export interface SampleStep {
  /** Image of each token, by its number in `labels`: int32 [N] */
  readonly images: Int32Array;
  /** Position of each token in its image: int32 [N] */
  readonly positions: Int32Array;
  /** int32 [N] */
  readonly tokens: Int32Array;
  /** [N], 1 where the token starts a patch. */
  readonly startsPatch: Uint8Array;
}

/** @throws DparError naming the option that is wrong. */
export function checkOptions(options: SampleOptions, config: SampledConfig): void {
  const { blockSize: T, vocabSize: V, numClasses } = config;
  if (typeof options?.labels?.length !== 'number') {
    throw new DparError(
      `sample: expected labels, the class of each image, got ${options?.labels}. Pass { labels: [0] }.`,
    );
  }
  checkDecoding(options);
  checkGuidance(options);
  const hasNull = hasNullClass(config);
  if (!hasNull && isGuided(options)) {
    throw new DparError(
      `sample: expected a guidance scale of 1 for a model without a null class (class_dropout_prob 0), got ` +
        `${options.guidanceScale}. Leave guidanceScale out.`,
    );
  }
  const largest = hasNull ? numClasses : numClasses - 1;
  const { labels, prefix = [], batchSize = 1 } = options;
  if (!(Number.isInteger(batchSize) && batchSize >= 1)) {
    throw new DparError(`sample: expected batchSize to be a whole number >= 1, got ${batchSize}. Correct batchSize.`);
  }
  if (labels.length === 0) throw new DparError('sample: expected at least one label, got 0. Pass { labels: [0] }.');
  for (const label of Array.from(labels).flatMap((label) => wordsOf(label))) {
    if (!(Number.isInteger(label) && label >= 0 && label <= largest)) {
      throw new DparError(
        `sample: expected labels from 0 to ${numClasses - 1}${hasNull ? ` (or ${numClasses}, the null class)` : ''}, got ${label}. ` +
          'Correct the label.',
      );
    }
  }
  const given = prefixLength(options);
  if (!Number.isInteger(given) || given > T) {
    throw new DparError(
      `sample: expected a prefix of K tokens for each of ${labels.length} images, K at most ${T}, got ${prefix.length} tokens. ` +
        'Correct the prefix.',
    );
  }
  for (const token of Array.from(prefix)) {
    if (!(Number.isInteger(token) && token >= 0 && token < V)) {
      throw new DparError(`sample: expected a prefix of tokens from 0 to ${V - 1}, got ${token}. Correct the prefix.`);
    }
  }
}

/** Words of a prompt; a class is a prompt of one word. @throws DparError for a prompt without words. */
export function wordsOf(label: Label): number[] {
  if (typeof label === 'number') return [label];
  if (label.length > 0) return Array.from(label);
  throw new DparError(
    'sample: expected prompts of at least one word, got one without words. Pass the null class for none.',
  );
}

/** Number K of given tokens of each image. */
export function prefixLength({ labels, prefix = [] }: SampleOptions): number {
  return prefix.length / labels.length;
}

/** Given tokens of some images, K each, as a step without patches. */
export function givenTokens(options: SampleOptions, images: ArrayLike<number>): Omit<SampleStep, 'startsPatch'> {
  const K = prefixLength(options);
  const length = images.length * K;
  const numbers = Int32Array.from({ length }, (_, i) => images[Math.floor(i / K)] as number);
  const positions = Int32Array.from({ length }, (_, i) => i % K);
  const tokens = numbers.map((image, i) => options.prefix?.[image * K + (positions[i] as number)] as number);
  return { images: numbers, positions, tokens };
}

/** Sequences of each image: one of its class and, with guidance, one of the null class. */
export function copiesOf(options: SampleOptions): number {
  return isGuided(options) ? 2 : 1;
}

/** Number of images at work at the same time. */
export function imagesAtWork({ labels, batchSize = labels.length }: SampleOptions): number {
  return Math.min(labels.length, batchSize);
}

/** Labels of the sequences of some images: for each image its class and, with guidance, the null class. */
export function labelRows(options: SampleOptions, images: ArrayLike<number>, nullClass: number): Label[] {
  const copies = copiesOf(options);
  return Array.from({ length: images.length * copies }, (_, i) =>
    i % copies === 0 ? (options.labels[images[i / copies] as number] as Label) : nullClass,
  );
}

const imageStream = 0x696d67;

/** Random stream of an image, independent of the batch. Each position has its own stream below it. */
export function streamOf({ seed = 0, firstIndex = 0 }: SampleOptions, image: number): Random {
  return createRandom(seed, imageStream, firstIndex + image);
}
