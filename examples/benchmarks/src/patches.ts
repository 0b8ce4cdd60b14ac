import { patchLengths } from '@dpar/patchify';
import { createRandom } from '@dpar/tensor';

/** Patching of images of 16x16 tokens by Algorithm 1. */
const patching = { maxPatchLength: 4, rowLength: 16 };

/**
 * Random entropies of images with given numbers of patches at a threshold of 0.
 * @returns 255 numbers for each image.
 */
export function randomEntropies(patchCounts: readonly number[], seed: number): Float32Array[] {
  let candidate = 0;
  return patchCounts.map((patches) => {
    for (;;) {
      const entropies = createRandom(seed, candidate++).fillUniform(new Float32Array(255));
      const threshold = thresholdFor(entropies, patches);
      if (threshold === undefined) continue;
      const shifted = entropies.map((entropy) => entropy - threshold);
      if (patchLengths(shifted, { ...patching, threshold: 0 }).length === patches) return shifted;
    }
  });
}

/** Finds a threshold that gives a number of patches. */
function thresholdFor(entropies: Float32Array, patches: number): number | undefined {
  let [low, high] = [0, 1];
  for (let i = 0; i < 30; i++) {
    const threshold = (low + high) / 2;
    const { length } = patchLengths(entropies, { ...patching, threshold });
    if (length === patches) return threshold;
    if (length > patches) low = threshold;
    else high = threshold;
  }
  return undefined;
}
