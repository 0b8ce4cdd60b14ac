import { checkArguments } from './check-arguments.js';
import { collectTokens, type GeneratedTokens } from './finished-images.js';
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
