import type { KindsOf } from '@dpar/check';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import { DparError, float32 } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { missingEntropies, type TokenSource, tokenSourceKinds } from './token-source.js';

/** Options of {@link countPatches}. */
export interface PatchCountOptions {
  /** Called regularly with the number of finished images. */
  readonly onProgress?: ((done: number, images: number) => void) | undefined;
  /** Stops counting when aborted. */
  readonly signal?: AbortSignal | undefined;
}

const patchCountOptionsKinds: KindsOf<PatchCountOptions> = { 'onProgress?': 'function', 'signal?': 'AbortSignal' };

/** Number of images and variants that are read at a time. */
const sequencesAtATime = 4096;

/**
 * Counts the patches of each image of a source in each of its variants, to group batches. Entropies are streamed. The
 * counts take two bytes each, 51 MB for ImageNet with 20 variants.
 * @returns [N * V], those of an image together; `undefined` for a model without patches
 * @throws DparError if patches are made of entropies and the source has none; the signal's reason if it is aborted.
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
      `countPatches: expected images of less than ${2 ** 16} tokens, got ${model.kind.predictedTokens(model.config)}. ` +
        'Use a model of smaller images.',
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
