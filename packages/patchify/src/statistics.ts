import { checkArguments } from './check-arguments.js';
import { countTokens } from './spans.js';

/** Statistics of a set of patched images. */
export interface PatchStatistics {
  readonly images: number;
  readonly tokens: number;
  /** Number of patches, without padding. */
  readonly patches: number;
  /** Tokens per patch: the factor by which patching shortens the sequence (the paper's 1.81x). */
  readonly meanLength: number;
  /** Share of positions that patching removes from the global transformer: 1 - patches / tokens. */
  readonly tokenReduction: number;
  /** Histogram of patch lengths: `histogram[n]` patches have n tokens. `histogram[0]` is 0. */
  readonly histogram: readonly number[];
  /** Number of padded patches in the batch. */
  readonly padding: number;
  /** Share of padded patches in the batch. */
  readonly paddingWaste: number;
}

/**
 * Statistics of images' patch lengths.
 *
 * @param images Lengths of each image, with or without padding (zeros on the right); or a padded batch [B, M].
 * @throws PatchifyError as {@link tokenCount}.
 */
export function patchStatistics(
  images: readonly ArrayLike<number>[] | { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
): PatchStatistics {
  checkArguments(
    'patchStatistics',
    { images },
    { images: ['number[][]', { shape: 'number[]', data: 'number[]', '*': 'any' }] },
  );

  const rows = 'shape' in images ? rowsOf(images.data, images.shape[0] ?? 0) : images;
  const histogram = [0];
  let tokens = 0;
  let patches = 0;
  let places = 0;
  for (const lengths of rows) {
    tokens += countTokens('patchStatistics', lengths);
    places += lengths.length;
    for (let m = 0; m < lengths.length; m++) {
      const length = lengths[m] as number;
      if (length === 0) continue;
      patches++;
      while (histogram.length <= length) histogram.push(0);
      histogram[length] = (histogram[length] ?? 0) + 1;
    }
  }
  const padding = places - patches;
  return {
    images: rows.length,
    tokens,
    patches,
    meanLength: patches === 0 ? 0 : tokens / patches,
    tokenReduction: tokens === 0 ? 0 : 1 - patches / tokens,
    histogram,
    padding,
    paddingWaste: places === 0 ? 0 : padding / places,
  };
}

/** Rows of a matrix. */
function rowsOf(data: ArrayLike<number>, rows: number): ArrayLike<number>[] {
  const columns = rows === 0 ? 0 : data.length / rows;
  return Array.from({ length: rows }, (_, b) => Array.prototype.slice.call(data, b * columns, (b + 1) * columns));
}
