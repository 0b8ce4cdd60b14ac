import { entropyKind } from '@dpar/entropy';
import { loadModel } from '@dpar/model/node';
import type { ImageModel } from '@dpar/nn';
import { padPatchLengths } from '@dpar/patchify';
import type { ImageDecoder, SquareImages } from '@dpar/pipeline';
import {
  collectParts,
  createSampler,
  generatingKinds,
  needsEntropyModel,
  type SampleOptions,
  type SamplerOptions,
  type SampleStep,
} from '@dpar/sampler';
import { type ItemRange, partsOf } from '@dpar/shards';
import type { Engine } from '@dpar/tensor';
import { trainerFiles } from '@dpar/train/node';
import { UsageError } from '../command/errors.js';
import type { TokenGrid } from '../tokenizer.js';

/** A loaded model that generates. */
export interface Generator extends TokenGrid {
  /** Value of `kind` in its config.json. */
  readonly kind: string;
  readonly hasPatches: boolean;
  readonly numClasses: number;
  /** 0: the model has no null class, and so no guidance. */
  readonly classDropoutProb?: number | undefined;
  /** Folder of the entropy model, if patches depend on one. */
  readonly entropyCheckpoint?: string;
  steps(options: SampleOptions): AsyncIterable<SampleStep>;
  /** Seconds that each stage took so far. */
  stageSeconds(): Readonly<Record<string, number>>;
  /** Frees what was compiled. */
  dispose(): Promise<void>;
}

/** Generated tokens of some images. */
export interface Generated {
  /** [N, T] */
  readonly tokens: Int32Array;
  /** [N, T]: patch lengths of each image, padded with zeros; all 1 for a model without patches. */
  readonly patchLengths: Int32Array;
}

/** Checkpoints of the models that generate, and formats of their weights. */
export interface GeneratorOptions extends Pick<SamplerOptions, 'weights' | 'entropyWeights'> {
  readonly checkpoint: string;
  /** Use the moving average of the checkpoint's weights. */
  readonly average: boolean;
  readonly entropyCheckpoint: string | undefined;
  /** Receives faults of the files that do not affect the weights. */
  readonly note?: (line: string) => void;
}

/** File of a checkpoint's weights, or of their moving average, which training with `average_decay` keeps. */
export const weightsFile = (average: boolean): string | undefined => (average ? trainerFiles.average : undefined);

/**
 * Loads the model of a checkpoint, and the entropy model that its patches need.
 * @throws UsageError if that one is missing.
 */
export async function loadGenerator(engine: Engine, options: GeneratorOptions): Promise<Generator> {
  const { checkpoint, average, entropyCheckpoint, note: onNote, ...formats } = options;
  const model = await loadModel(checkpoint, { kinds: generatingKinds, weights: weightsFile(average), onNote });
  if (needsEntropyModel(model) && entropyCheckpoint === undefined) {
    throw new UsageError(
      `expected --entropy-checkpoint DIR for '${checkpoint}' (patches by entropy, and no boundary head), got none.`,
    );
  }
  if (entropyCheckpoint === undefined || !model.kind.needsEntropies(model.config)) {
    return createGenerator(engine, model, formats);
  }
  const entropyModel = await loadModel(entropyCheckpoint, { kinds: [entropyKind], onNote });
  return { ...createGenerator(engine, model, { ...formats, entropyModel }), entropyCheckpoint };
}

/**
 * Makes a generator of a model in memory. Nothing is compiled before it generates.
 * @throws DparError if the entropy model is missing or does not fit.
 */
export function createGenerator(engine: Engine, model: ImageModel, options: SamplerOptions = {}): Generator {
  const sampler = createSampler(engine, model, options);
  const { blockSize, vocabSize, numClasses, classDropoutProb } = model.config;
  return {
    kind: model.kind.name,
    hasPatches: model.kind.hasPatches,
    blockSize,
    vocabSize,
    numClasses,
    classDropoutProb,
    steps: (sampleOptions) => sampler.steps(sampleOptions),
    stageSeconds: () => sampler.stageSeconds,
    dispose: () => sampler.dispose(),
  };
}

/** Images of a part of a generation. */
export interface DrawnPart {
  /** Number of the first image among all. */
  readonly start: number;
  readonly images: SquareImages;
  /** Patch lengths of each image. */
  readonly patchLengths: readonly Int32Array[];
}

/** Images of a part, which are decoded together. */
const imagesInPart = 16;

/**
 * Generates images in parts, and yields the pictures of each part when they are finished.
 * @param onProgress Called after each step with the images that are made so far; fractions count.
 */
export async function* drawParts(
  generator: Generator,
  decoder: ImageDecoder,
  options: Omit<SampleOptions, 'batchSize'>,
  onProgress: (images: number) => void = () => {},
): AsyncGenerator<DrawnPart> {
  const { blockSize: T } = generator;
  const parts = partsOf({ start: 0, count: options.labels.length }, imagesInPart);
  const steps = generator.steps({ ...options, batchSize: imagesInPart });
  const finished = collectParts(
    steps,
    parts.map(({ count }) => count),
    T,
    (tokens) => onProgress(tokens / T),
  );
  let part = 0;
  for await (const { tokens, patchLengths } of finished) {
    const { start, count } = parts[part++] as ItemRange;
    yield { start, images: await decoder.decode(tokens, count), patchLengths };
  }
}

/**
 * Generates images, and yields those of each part when they are finished.
 * @param counts Images of each part, in order; together as many as `labels`.
 * @param onProgress Called after each step with the images that are made beyond the yielded parts; fractions count.
 */
export async function* generateParts(
  generator: Generator,
  options: SampleOptions,
  counts: readonly number[],
  onProgress: (images: number) => void = () => {},
): AsyncGenerator<Generated> {
  const { blockSize: T } = generator;
  let yielded = 0;
  const onTokens = (tokens: number): void => onProgress(tokens / T - yielded);
  for await (const { tokens, patchLengths } of collectParts(generator.steps(options), counts, T, onTokens)) {
    yielded += patchLengths.length;
    yield { tokens, patchLengths: padPatchLengths(patchLengths, T).data };
  }
}
