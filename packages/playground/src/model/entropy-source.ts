import { boundaryPatching, type DparConfig, patchingOptions } from '@dpar/model';
import type { PatchingOptions } from '@dpar/patchify';

/** Sources of entropies: the boundary head of a DPAR, or an entropy model. */
export type EntropySource = 'head' | 'entropy';

/** Names of the sources in sentences. */
export const sourceNames: Readonly<Record<EntropySource, string>> = { head: 'boundary head', entropy: 'entropy model' };

/** Source of the entropies that a DPAR draws with: its boundary head if it has one. */
export function drawingSource({ boundaryHead }: DparConfig): EntropySource {
  return boundaryHead === undefined ? 'entropy' : 'head';
}

/** Patching by the entropies of a source. Each has its own threshold. */
export function patchingBy(source: EntropySource, config: DparConfig): PatchingOptions {
  return source === 'head' ? boundaryPatching(config) : patchingOptions(config);
}
