import { patchLengths } from '@dpar/patchify';
import { createRandom } from '@dpar/tensor';

/** Images of 16x16 tokens whose patches are made by Algorithm 1 (rows, at most 4 tokens). */
const patching = { maxPatchLength: 4, rowLength: 16 };

/**
 * Random entropies of images, which have just the given numbers of patches where the threshold is 0.
 * @returns For each image 255 numbers.
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

/** The threshold that gives the wanted number of patches, if there is one. */
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
