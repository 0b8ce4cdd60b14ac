import type { GeneratedTokens } from './collect.js';
import type { SampleOptions, SampleStep, StageSeconds } from './options.js';

/** Generates the tokens of images: see `createSampler`. */
export interface Sampler {
  /** Seconds that each stage took so far. */
  readonly stageSeconds: StageSeconds;
  /**
   * Yields the tokens of all images, position by position, and where patches start.
   * @throws DparError for options that are out of range; the signal's reason when it is aborted.
   */
  steps(options: SampleOptions): AsyncGenerator<SampleStep>;
  /** Generates whole images. @throws as {@link Sampler.steps} */
  generate(options: SampleOptions): Promise<GeneratedTokens>;
  /** Frees what was compiled. */
  dispose(): Promise<void>;
}
