import type { KindsOf } from '@dpar/check';
import type { PatchingOptions } from './boundaries.js';
import { patchingOptionsKinds } from './boundaries.js';
import { type BucketOptions, bucketOptionsKinds, smallestBucket } from './bucket.js';
import { checkArguments } from './check-arguments.js';
import { checkWhole, refuse } from './error.js';
import { fillPatchLengths } from './patch-lengths.js';
import { countTokens } from './spans.js';

/** Patch lengths of B images, padded with zeros on the right. It is also a host tensor of `@dpar/tensor`. */
export interface PaddedPatches {
  readonly dtype: 'int32';
  /** [B, M] */
  readonly shape: readonly number[];
  /** [B * M], row-major */
  readonly data: Int32Array;
}

const paddedPatchesKinds: KindsOf<PaddedPatches> = {
  dtype: "'int32'",
  shape: 'number[]',
  data: 'Int32Array',
  '*': 'any',
};

/** Patch lengths of B images one after the other, without padding. */
export interface PackedPatches {
  /** Lengths of image 0, then of image 1, ...: int32 [sum of M] */
  readonly lengths: Int32Array;
  /** Offsets of the images in `lengths`: image b has entries `patchOffsets[b]` to `patchOffsets[b + 1] - 1`. int32 [B + 1] */
  readonly patchOffsets: Int32Array;
  /** Offsets of the images in their concatenated tokens: int32 [B + 1] */
  readonly tokenOffsets: Int32Array;
}

const packedPatchesKinds: KindsOf<PackedPatches> = {
  lengths: 'Int32Array',
  patchOffsets: 'Int32Array',
  tokenOffsets: 'Int32Array',
  '*': 'any',
};

/** Number of patches that a batch is padded to: a number, a bucket size, or (default) that of its longest image. */
export type PadTo = number | BucketOptions;

/**
 * Patch lengths of B images with T tokens each.
 *
 * @param entropies [B, T - 1], row-major; see `patchLengths`.
 * @param batch B
 * @returns [B, M], padded with zeros.
 * @throws PatchifyError if an entropy is not a number, an option is invalid, or `padTo` is too small.
 */
export function batchPatchLengths(
  entropies: Float32Array | Float64Array,
  batch: number,
  options: PatchingOptions,
  padTo?: PadTo,
): PaddedPatches {
  checkArguments(
    'batchPatchLengths',
    { entropies, batch, options, padTo },
    {
      entropies: 'Float32Array | Float64Array',
      batch: 'number',
      options: patchingOptionsKinds,
      'padTo?': ['number', bucketOptionsKinds],
    },
  );

  checkWhole('batchPatchLengths', 'batch', batch, 1);
  const perImage = entropies.length / batch; // T - 1
  if (!Number.isInteger(perImage)) {
    refuse('batchPatchLengths', `entropies [${batch}, T - 1]`, `${entropies.length} entropies`, "Check 'batch'.");
  }
  const scratch = new Int32Array(perImage + 2);
  return pad(
    'batchPatchLengths',
    Array.from({ length: batch }, (_, b) => {
      const image = entropies.subarray(b * perImage, (b + 1) * perImage);
      return scratch.slice(0, fillPatchLengths('batchPatchLengths', scratch, image, options));
    }),
    padTo,
  );
}

/**
 * Pads the patch lengths of each image with zeros to the same number of patches.
 *
 * @throws PatchifyError if `padTo` is too small.
 */
export function padPatchLengths(images: readonly ArrayLike<number>[], padTo?: PadTo): PaddedPatches {
  checkArguments(
    'padPatchLengths',
    { images, padTo },
    { images: 'number[][]', 'padTo?': ['number', bucketOptionsKinds] },
  );
  return pad('padPatchLengths', images, padTo);
}

function pad(where: string, images: readonly ArrayLike<number>[], padTo?: PadTo): PaddedPatches {
  const longest = images.reduce((most, lengths) => Math.max(most, lengths.length), 0);
  const patches = typeof padTo === 'object' ? smallestBucket(where, longest, padTo) : (padTo ?? longest);
  if (!(patches >= longest)) {
    refuse(where, `room for ${longest} patches`, patches, "Raise 'padTo' or leave it out.");
  }
  const data = new Int32Array(images.length * patches);
  images.forEach((lengths, b) => {
    data.set(lengths, b * patches);
  });
  return { dtype: 'int32', shape: [images.length, patches], data };
}

/** Patch lengths of each image without padding, as views into the batch. @throws PatchifyError as {@link tokenCount}. */
export function unpadPatchLengths(paddedPatches: PaddedPatches): Int32Array[] {
  checkArguments('unpadPatchLengths', { paddedPatches }, { paddedPatches: paddedPatchesKinds });
  const { shape, data } = paddedPatches;
  const [batch = 0, patches = 0] = shape;
  return Array.from({ length: batch }, (_, b) => {
    const row = data.subarray(b * patches, (b + 1) * patches);
    const end = row.indexOf(0);
    countTokens('unpadPatchLengths', row);
    return end < 0 ? row : row.subarray(0, end);
  });
}

/**
 * Concatenates the patch lengths of images, with the offsets (cumulative lengths) of each image.
 *
 * @throws PatchifyError as {@link tokenCount}.
 */
export function packPatchLengths(images: readonly ArrayLike<number>[]): PackedPatches {
  checkArguments('packPatchLengths', { images }, { images: 'number[][]' });

  const patchOffsets = new Int32Array(images.length + 1);
  const tokenOffsets = new Int32Array(images.length + 1);
  images.forEach((lengths, b) => {
    patchOffsets[b + 1] = (patchOffsets[b] ?? 0) + lengths.length;
    tokenOffsets[b + 1] = (tokenOffsets[b] ?? 0) + countTokens('packPatchLengths', lengths);
  });
  const lengths = new Int32Array(patchOffsets[images.length] ?? 0);
  images.forEach((image, b) => {
    lengths.set(image, patchOffsets[b]);
  });
  return { lengths, patchOffsets, tokenOffsets };
}

/** Patch lengths of each image, as views into the packed ones. */
export function unpackPatchLengths(packedPatches: PackedPatches): Int32Array[] {
  checkArguments('unpackPatchLengths', { packedPatches }, { packedPatches: packedPatchesKinds });
  const { lengths, patchOffsets } = packedPatches;
  return Array.from(patchOffsets.subarray(1), (end, b) => lengths.subarray(patchOffsets[b], end));
}
