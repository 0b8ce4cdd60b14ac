import type { KindsOf } from '@dpar/check';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import { DparError, float32 } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { missingEntropies, type TokenSource, tokenSourceKinds } from './token-source.js';

/** Settings of {@link countPatches}. */
export interface PatchCountOptions {
  /** Called now and then. */
  readonly onProgress?: ((done: number, images: number) => void) | undefined;
  /** Stops the work. */
  readonly signal?: AbortSignal | undefined;
}

const patchCountOptionsKinds: KindsOf<PatchCountOptions> = { 'onProgress?': 'function', 'signal?': 'AbortSignal' };

/** Images read at a time, in all their variants. */
const sequencesAtATime = 4096;

/**
 * Patches of each image of a source in each of its variants, by which batches are grouped. Entropies are streamed; what
 * stays are two bytes for each count (51 MB for ImageNet with 20 variants).
 * @returns [N * V], those of an image together; `undefined` for a model without patches
 * @throws DparError if the model's patches are made of entropies and the source has none; the signal's reason if it is
 * aborted.
 */
export async function countPatches(
  model: ImageArchitecture,
  source: TokenSource,
  options: PatchCountOptions = {},
): Promise<Uint16Array | undefined> {
  checkArguments(
    'countPatches',
    { model, source, options },
    { model: architectureArgument, source: tokenSourceKinds, 'options?': patchCountOptionsKinds },
  );
  const { onProgress, signal } = options;
  const { images, variants, tokensPerImage } = source;
  if (!model.kind.hasPatches) return undefined;
  if (model.kind.predictedTokens(model.config) >= 2 ** 16) {
    throw new DparError(
      `countPatches: expected images of less than ${2 ** 16} tokens, got ${model.kind.predictedTokens(model.config)}.`,
    );
  }
  const counts = new Uint16Array(images * variants);
  if (!model.kind.needsEntropies(model.config))
    return counts.fill(model.kind.patchCounts(model.config, 1, undefined)?.[0] ?? 0);
  if (!source.hasEntropies) throw missingEntropies('countPatches');
  const chunk = Math.max(1, Math.floor(sequencesAtATime / variants));
  for (let first = 0; first < images; first += chunk) {
    signal?.throwIfAborted();
    const count = Math.min(chunk, images - first);
    const entropies = float32([count * variants, tokensPerImage - 1], await source.readEntropies(first, count));
    counts.set(model.kind.patchCounts(model.config, count * variants, entropies) ?? [], first * variants);
    onProgress?.(first + count, images);
  }
  return counts;
}
