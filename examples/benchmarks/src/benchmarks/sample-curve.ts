import { paperPatchRatios, pixelsPerToken } from '@dpar/model';
import { type Benchmark, medians } from '../benchmark.js';
import { expectedBytes, prepareSampling } from '../sampling/prepare.js';
import type { Variant } from '../sampling/variant.js';

/** Mean patch length at 384 px and above. */
const largeImages = paperPatchRatios[384] ?? 1;

/** Benchmark of one image at a time with a base model, and GPT-T for DPAR's patches. */
export function sampleCurve(model: 'dpar' | 'llamagen', resolution: number): Benchmark {
  const gridSize = resolution / pixelsPerToken;
  const tokens = gridSize ** 2;
  const targetMeanPatchLength = paperPatchRatios[resolution] ?? largeImages;
  const variant: Variant = {
    size: 'B',
    batch: 1,
    gridSize,
    weights: 'float32',
    ...(model === 'dpar' && { patches: { by: { size: 'T', weights: 'float32' }, targetMeanPatchLength } }),
  };
  return {
    name: `sample-curve/${model}-b/${resolution}`,
    group: `sample-curve/${resolution}`,
    memoryBytes: expectedBytes(variant),
    maxRounds: 3,
    onlyWith: 'sample-curve',
    prepare: (settings) => prepareSampling(variant, settings),
    figures: (samples) => {
      const { seconds = Number.NaN, meanPatchLength = Number.NaN } = medians(samples);
      return {
        secondsPerImage: seconds,
        tokensPerSecond: tokens / seconds,
        millisecondsPerToken: (1000 * seconds) / tokens,
        ...(model === 'dpar' && { meanPatchLength }),
      };
    },
  };
}
