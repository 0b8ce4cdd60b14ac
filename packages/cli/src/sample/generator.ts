import { entropyKind } from '@dpar/entropy';
import { loadModel } from '@dpar/model/node';
import type { ImageModel } from '@dpar/nn';
import { padPatchLengths } from '@dpar/patchify';
import {
  createSampler,
  generatingKinds,
  needsEntropyModel,
  type SampleOptions,
  type SamplerOptions,
  type SampleStep,
} from '@dpar/sampler';
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

/**
 * Generates images, and yields those of each part when they are finished. Parts follow one another in the queue of images,
 * so that no place is free while the last images of a part are drawn.
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
  const unfinished = new UnfinishedImages(T);
  let part = 0;
  let first = 0;
  for await (const step of generator.steps(options)) {
    unfinished.add(step);
    onProgress(unfinished.tokens / T);
    for (; part < counts.length; part++) {
      const count = counts[part] as number;
      if (!unfinished.areFinished(first, count)) break;
      yield unfinished.take(first, count);
      first += count;
    }
  }
}

/** Image that is drawn, or waits for others of its part. */
interface UnfinishedImage {
  readonly tokens: Int32Array;
  readonly patchLengths: number[];
  /** Tokens so far. */
  drawn: number;
}

/** Images that are drawn, or wait for others of their part. */
class UnfinishedImages {
  private readonly images = new Map<number, UnfinishedImage>();
  /** Tokens of these images so far. */
  tokens = 0;

  /** @param positions Tokens T of an image. */
  constructor(private readonly positions: number) {}

  add({ images, positions, tokens, startsPatch }: SampleStep): void {
    images.forEach((number, i) => {
      const image = this.images.get(number) ?? { tokens: new Int32Array(this.positions), patchLengths: [], drawn: 0 };
      this.images.set(number, image);
      image.tokens[positions[i] as number] = tokens[i] as number;
      const { patchLengths } = image;
      if (startsPatch[i]) patchLengths.push(1);
      else (patchLengths[patchLengths.length - 1] as number)++;
      image.drawn++;
    });
    this.tokens += images.length;
  }

  areFinished(first: number, count: number): boolean {
    for (let number = first; number < first + count; number++) {
      if ((this.images.get(number)?.drawn ?? 0) < this.positions) return false;
    }
    return true;
  }

  take(first: number, count: number): Generated {
    const T = this.positions;
    const tokens = new Int32Array(count * T);
    const lengths: Int32Array[] = [];
    for (let i = 0; i < count; i++) {
      const image = this.images.get(first + i);
      if (image === undefined) continue;
      tokens.set(image.tokens, i * T);
      lengths.push(Int32Array.from(image.patchLengths));
      this.images.delete(first + i);
    }
    this.tokens -= count * T;
    return { tokens, patchLengths: padPatchLengths(lengths, T).data };
  }
}
