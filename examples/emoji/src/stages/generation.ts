import { collectTokens, type GeneratedTokens, type SampleStep } from '@dpar/sampler';
import type { Progress } from '../progress.js';

/** Images that a model generated. */
export interface Generated extends GeneratedTokens {
  readonly seconds: number;
}

/** Classes of a grid: as many images of each class, class by class. */
export function gridLabels(classes: number, imagesPerClass: number): Int32Array {
  return Int32Array.from({ length: classes * imagesPerClass }, (_, i) => Math.floor(i / imagesPerClass));
}

/** Runs a sampler to its end. B images of T tokens. */
export async function generate(
  steps: AsyncIterable<SampleStep>,
  B: number,
  T: number,
  progress: Progress,
): Promise<Generated> {
  const begun = performance.now();
  const generated = await collectTokens(steps, B, T, (done) => progress.update(done));
  return { ...generated, seconds: (performance.now() - begun) / 1000 };
}
