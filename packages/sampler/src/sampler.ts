import { checkArguments } from './check-arguments.js';
import {
  checkOptions,
  type SampledConfig,
  type SampleOptions,
  type SampleStep,
  type StageSeconds,
  sampleOptionsKinds,
} from './options.js';

/** Generates the tokens of images: see `createSampler`. */
export interface Sampler {
  /** Seconds of each stage since the sampler was created. */
  readonly stageSeconds: StageSeconds;
  /**
   * Yields the tokens of all images as they are drawn, those of an image in order, and the starts of patches.
   * @throws DparError for options that are out of range; the signal's reason when it is aborted.
   */
  steps(options: SampleOptions): AsyncGenerator<SampleStep>;
  /** Generates whole images. @throws as {@link Sampler.steps} */
  generate(options: SampleOptions): Promise<GeneratedTokens>;
  /** Frees the compiled functions. */
  dispose(): Promise<void>;
}

/** Finished images. */
export interface GeneratedTokens {
  /** int32 [B, T], row-major */
  readonly tokens: Int32Array;
  /** Patch lengths of each image, which sum to T. */
  readonly patchLengths: readonly Int32Array[];
}

/**
 * Runs a generation to its end.
 * @param images Images N
 * @param positions Tokens T of an image
 * @param onTokens Called after each step with the number of tokens so far, of N T.
 */
export async function collectTokens(
  steps: AsyncIterable<SampleStep>,
  images: number,
  positions: number,
  onTokens?: (tokens: number) => void,
): Promise<GeneratedTokens> {
  checkArguments(
    'collectTokens',
    { steps, images, positions, onTokens },
    { steps: 'object', images: 'number', positions: 'number', 'onTokens?': 'function' },
  );

  const tokens = new Int32Array(images * positions);
  const lengths: number[][] = Array.from({ length: images }, () => []);
  let count = 0;
  for await (const step of steps) {
    step.images.forEach((image, i) => {
      tokens[image * positions + (step.positions[i] as number)] = step.tokens[i] as number;
      const patches = lengths[image] as number[];
      if (step.startsPatch[i]) patches.push(1);
      else (patches[patches.length - 1] as number)++;
    });
    count += step.images.length;
    onTokens?.(count);
  }
  return { tokens, patchLengths: lengths.map((patches) => Int32Array.from(patches)) };
}

/** Common parts of the samplers of all kinds of models. A sampler adds its steps. */
export abstract class StepSampler<C extends SampledConfig> implements Sampler {
  private readonly seconds: Record<string, number> = {};

  constructor(protected readonly config: C) {}

  get stageSeconds(): StageSeconds {
    return { ...this.seconds };
  }

  steps(options: SampleOptions): AsyncGenerator<SampleStep> {
    checkArguments('Sampler.steps', { options }, { options: sampleOptionsKinds });
    return this.generateSteps(options);
  }

  async generate(options: SampleOptions): Promise<GeneratedTokens> {
    checkArguments('Sampler.generate', { options }, { options: sampleOptionsKinds });
    this.check(options);
    return collectTokens(this.steps(options), options.labels.length, this.config.blockSize);
  }

  abstract dispose(): Promise<void>;

  /** Yields the steps of a generation. It begins with {@link StepSampler.check}. */
  protected abstract generateSteps(options: SampleOptions): AsyncGenerator<SampleStep>;

  /** @throws DparError naming the option that is wrong. */
  protected check(options: SampleOptions): void {
    checkOptions(options, this.config);
  }

  /** Runs a piece of work and adds its time to that of `stage`. */
  protected async time<V>(stage: string, work: () => V | Promise<V>): Promise<V> {
    const begun = performance.now();
    const result = await work();
    this.seconds[stage] = (this.seconds[stage] ?? 0) + (performance.now() - begun) / 1000;
    return result;
  }
}
