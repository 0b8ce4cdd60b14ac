import { patchLengths } from '@dpar/patchify';
import { createRandom } from '@dpar/tensor';

/**
 * Patch lengths of images of 16x16 tokens with exactly so many patches each, made by Algorithm 1 (rows, at most 4 tokens)
 * of random entropies.
 */
export function randomPatches(images: number, patches: number, seed: number): Int32Array[] {
  const found: Int32Array[] = [];
  for (let image = 0; found.length < images; image++) {
    const entropies = createRandom(seed, image).fillUniform(new Float32Array(255));
    const lengths = withCount(entropies, patches);
    if (lengths !== undefined) found.push(lengths);
  }
  return found;
}

/** The patches of the threshold that gives the wanted number of them, if there is one. */
function withCount(entropies: Float32Array, patches: number): Int32Array | undefined {
  let [low, high] = [0, 1];
  for (let i = 0; i < 30; i++) {
    const threshold = (low + high) / 2;
    const lengths = patchLengths(entropies, { threshold, maxPatchLength: 4, rowLength: 16 });
    if (lengths.length === patches) return lengths;
    if (lengths.length > patches) low = threshold;
    else high = threshold;
  }
  return undefined;
}
