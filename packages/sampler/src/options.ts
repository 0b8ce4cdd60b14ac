import type { KindsOf } from '@dpar/check';
import type { EntropyModelConfig } from '@dpar/entropy';
import { type GptConfig, hasNullClass, type Model, modelArgument } from '@dpar/nn';
import { createRandom, DparError, type Random, type WeightFormat } from '@dpar/tensor';
import { checkDecoding, type DecodingOptions } from './choose.js';
import { checkGuidance, type GuidanceOptions, isGuided } from './guidance.js';

/** Settings of a sampler: its entropy model, and the formats of weights. */
export interface SamplerOptions {
  /** Needed by a model whose patches depend on entropies; others ignore it. */
  readonly entropyModel?: Model<EntropyModelConfig> | undefined;
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
 * Seconds that each stage of generation took so far: `entropy`, `encoder`, `global`, `decoder` (LlamaGen: `model`), and
 * `draw`, the choice of tokens from logits.
 */
export type StageSeconds = Readonly<Record<string, number>>;

/** What is generated, and how tokens are drawn. */
export interface SampleOptions extends DecodingOptions, GuidanceOptions {
  /** Class of each image; the batch is as large as this list. */
  readonly labels: ArrayLike<number>;
  /** Seed of the run (default 0). Image k of a run has a random stream of its own, keyed by (seed, k). */
  readonly seed?: number;
  /** Number of the first image of this batch in its run (default 0). */
  readonly firstIndex?: number;
  /**
   * Tokens that are given, [B, K] row-major: the first K positions of each image, which the rest completes. Default: none.
   */
  readonly prefix?: ArrayLike<number>;
  /** Entropy in nats above which a token starts a patch, in place of the model's own. Models without patches refuse it. */
  readonly threshold?: number;
  /** Longest patch in tokens, in place of the model's own. Models without patches refuse it. */
  readonly maxPatchLength?: number;
  /** Stops between two tokens. */
  readonly signal?: AbortSignal;
}

/** Kinds of {@link SampleOptions}. */
export const sampleOptionsKinds: KindsOf<SampleOptions> = {
  labels: 'number[]',
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
};

/** One position of every image of a batch. */
export interface SampleStep {
  readonly position: number;
  /** int32 [B] */
  readonly tokens: Int32Array;
  /** [B], 1 where the token starts a patch. */
  readonly startsPatch: Uint8Array;
}

/**
 * @param model T and V of the model, and whether it has a null class
 * @throws DparError naming the option that is wrong.
 */
export function checkOptions(
  options: SampleOptions,
  numClasses: number,
  model: Pick<GptConfig, 'blockSize' | 'vocabSize' | 'classDropoutProb'>,
): void {
  const { blockSize: T, vocabSize: V } = model;
  if (typeof options?.labels?.length !== 'number') {
    throw new DparError('sample: expected labels, the class of each image, got none. Pass { labels: [0] }.');
  }
  checkDecoding(options);
  checkGuidance(options);
  const hasNull = hasNullClass(model);
  if (!hasNull && isGuided(options)) {
    throw new DparError(
      `sample: expected a guidance scale of 1 for a model without a null class (class_dropout_prob 0), got ` +
        `${options.guidanceScale}. Leave guidanceScale out.`,
    );
  }
  const largest = hasNull ? numClasses : numClasses - 1;
  const { labels, prefix = [] } = options;
  if (labels.length === 0) throw new DparError('sample: expected at least one label, got none.');
  for (const label of Array.from(labels)) {
    if (!(Number.isInteger(label) && label >= 0 && label <= largest)) {
      throw new DparError(
        `sample: expected labels from 0 to ${numClasses - 1}${hasNull ? ` (or ${numClasses}, the null class)` : ''}, got ${label}.`,
      );
    }
  }
  const given = prefixLength(options);
  if (!Number.isInteger(given) || given > T) {
    throw new DparError(
      `sample: expected a prefix of K tokens for each of ${labels.length} images, K at most ${T}, got ${prefix.length} tokens.`,
    );
  }
  for (const token of Array.from(prefix)) {
    if (!(Number.isInteger(token) && token >= 0 && token < V)) {
      throw new DparError(`sample: expected a prefix of tokens from 0 to ${V - 1}, got ${token}.`);
    }
  }
}

/** Tokens K that are given for each image. */
export function prefixLength({ labels, prefix = [] }: SampleOptions): number {
  return prefix.length / labels.length;
}

/** Labels of all rows that are run: those of the images, then as many null classes if guided. */
export function rowLabels(options: SampleOptions, nullClass: number): Int32Array {
  const labels = Int32Array.from(options.labels);
  if (!isGuided(options)) return labels;
  const rows = new Int32Array(2 * labels.length).fill(nullClass);
  rows.set(labels);
  return rows;
}

const imageStream = 0x696d67;

/** The random stream of each image, the same in any batch; each position has a stream of its own below it. */
export function imageStreams({ seed = 0, firstIndex = 0, labels }: SampleOptions): Random[] {
  return Array.from({ length: labels.length }, (_, image) => createRandom(seed, imageStream, firstIndex + image));
}
