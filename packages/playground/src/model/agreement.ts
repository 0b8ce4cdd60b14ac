import { type PatchingOptions, patchIds, patchLengths } from '@dpar/patchify';
import type { Analysis } from './analyser.js';
import type { ModelInfo } from './model-info.js';

/**
 * Share of the tokens after the first one that start a patch by the boundary head and by the entropy model, or by neither, each by
 * its own threshold; undefined if they have not been compared.
 */
export function sameStarts(
  { entropies, reference }: Pick<Analysis, 'entropies' | 'reference'>,
  { head = {}, entropy = {} }: ModelInfo['patching'],
): number | undefined {
  if (reference === undefined) return undefined;
  const [predicted, expected] = [patchStarts(entropies, head), patchStarts(reference.entropies, entropy)];
  return predicted.filter((start, i) => start === expected[i]).length / predicted.length;
}

/** Flags [T - 1] of the tokens after the first one: true if a token starts a patch. */
function patchStarts(entropies: Float32Array, patching: PatchingOptions): boolean[] {
  const patches = patchIds(patchLengths(entropies, { ...patching, endOfImage: false }));
  return Array.from(patches.subarray(1), (patch, i) => patch !== patches[i]);
}
