import type { Progress } from '@dpar/example-kit';
import { collectTokens, type GeneratedTokens, type SampleOptions, type SampleStep } from '@dpar/sampler';

/** Generated images as tokens. */
export interface Generated extends GeneratedTokens {
  readonly seconds: number;
}

/** A sampler of either model. */
interface Sampler {
  steps(options: SampleOptions): AsyncIterable<SampleStep>;
  dispose(): Promise<void>;
}

/** Generates one batch of images of T tokens and disposes of the sampler. */
export async function generate(
  sampler: Sampler,
  options: SampleOptions,
  T: number,
  progress: Progress,
): Promise<Generated> {
  try {
    const begun = performance.now();
    const steps = sampler.steps(options);
    const generated = await collectTokens(steps, options.labels.length, T, (tokens) =>
      progress.update(Math.floor(tokens / options.labels.length)),
    );
    return { ...generated, seconds: (performance.now() - begun) / 1000 };
  } finally {
    await sampler.dispose();
  }
}
