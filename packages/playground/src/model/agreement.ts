import { pearsonCorrelation } from '@dpar/entropy';
import type { DparConfig } from '@dpar/model';
import { type PatchingOptions, patchIds, patchLengths } from '@dpar/patchify';
import type { Analysis } from './analyser.js';
import { patchingBy } from './entropy-source.js';

/** Agreement of the boundary head with the entropy model on one image. */
export interface Agreement {
  /** Pearson's correlation of the entropies; NaN if those of a model are constant. */
  readonly correlation: number;
  /** Share of the tokens after the first one that start a patch by both, or by neither, each by its own threshold. */
  readonly starts: number;
}

/** Agreement of the boundary head with the entropy model; undefined if they have not been compared. */
export function agreementOf({ entropies, reference }: Analysis, config: DparConfig): Agreement | undefined {
  if (reference === undefined) return undefined;
  const [predicted, expected] = [
    patchStarts(entropies, patchingBy('head', config)),
    patchStarts(reference, patchingBy('entropy', config)),
  ];
  const same = predicted.reduce((sum, start, i) => sum + Number(start === expected[i]), 0);
  return { correlation: pearsonCorrelation(entropies, reference), starts: same / predicted.length };
}

/** Flags [T - 1] of the tokens after the first one: true if a token starts a patch. */
function patchStarts(entropies: Float32Array, patching: PatchingOptions): boolean[] {
  const patches = patchIds(patchLengths(entropies, { ...patching, endOfImage: false }));
  return Array.from(patches.subarray(1), (patch, i) => patch !== patches[i]);
}
