import type { SampleStep } from '@dpar/sampler';
import type { Progress } from '../progress.js';

/** Images that a model generated. */
export interface Generated {
  /** int32 [B, T] */
  readonly tokens: Int32Array;
  /** Lengths of the patches of each image. */
  readonly patchLengths: readonly Int32Array[];
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
  const tokens = new Int32Array(B * T);
  const starts: number[][] = Array.from({ length: B }, () => []);
  for await (const step of steps) {
    step.tokens.forEach((token, image) => {
      tokens[image * T + step.position] = token;
      if (step.startsPatch[image]) starts[image]?.push(step.position);
    });
    progress.update(step.position + 1);
  }
  const patchLengths = starts.map((own) => Int32Array.from(own, (start, i) => (own[i + 1] ?? T) - start));
  return { tokens, patchLengths, seconds: (performance.now() - begun) / 1000 };
}
