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
   * Yields the tokens of all images, position by position, and the starts of patches.
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
 * @param batch Images B
 * @param positions Tokens T of an image
 * @param onPosition Called after each position with the number of finished positions.
 */
export async function collectTokens(
  steps: AsyncIterable<SampleStep>,
  batch: number,
  positions: number,
  onPosition?: (done: number) => void,
): Promise<GeneratedTokens> {
  checkArguments(
    'collectTokens',
    { steps, batch, positions, onPosition },
    { steps: 'object', batch: 'number', positions: 'number', 'onPosition?': 'function' },
  );

  const tokens = new Int32Array(batch * positions);
  const lengths: number[][] = Array.from({ length: batch }, () => []);
  for await (const step of steps) {
    lengths.forEach((patches, image) => {
      tokens[image * positions + step.position] = step.tokens[image] as number;
      if (step.startsPatch[image]) patches.push(1);
      else (patches[patches.length - 1] as number)++;
    });
    onPosition?.(step.position + 1);
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
