import { createHash } from 'node:crypto';
import type { KindsOf } from '@dpar/check';
import { formatDigest } from '@dpar/io/node';
import type { ItemRange } from '@dpar/shards';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type ImageInspection, type ImageSet, imageSetKinds } from '../image-set.js';
import { type ImageFile, type StoredImageSet, storedImageSetKinds } from './stored-image-set.js';

/** Progress of a check of images. */
export interface ImageCheck {
  /** Images checked so far. */
  readonly done: number;
  readonly total: number;
  /** Images that their EXIF orientation turns or mirrors. */
  readonly turned: number;
  /** Images with transparent pixels. */
  readonly transparent: number;
}

/** Options of a check of images. */
export interface CheckOptions {
  readonly onCheck?: ((found: ImageCheck) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const checkOptionsKinds: KindsOf<CheckOptions> = { 'onCheck?': 'function', 'signal?': 'AbortSignal' };

/**
 * Decodes all images of a set, and lists those that cannot be read.
 * @throws the signal's reason when it is aborted.
 */
export async function findDamaged(set: ImageSet, options: CheckOptions = {}): Promise<ImageInspection[]> {
  checkArguments('findDamaged', { set, options }, { set: imageSetKinds, 'options?': checkOptionsKinds });
  return (await inspectAll(set, [{ start: 0, count: set.count }], options)).damaged;
}

/**
 * Decodes images before long work. Damaged ones then do not interrupt it.
 * @throws DparError that names all images that cannot be read; the signal's reason when it is aborted.
 */
export async function checkImages(
  set: ImageSet,
  ranges: readonly ItemRange[],
  options: CheckOptions = {},
): Promise<void> {
  checkArguments(
    'checkImages',
    { set, ranges, options },
    { set: imageSetKinds, ranges: 'object[]', 'options?': checkOptionsKinds },
  );
  const { damaged, total } = await inspectAll(set, ranges, options);
  if (damaged.length === 0) return;
  throw new DparError(
    `checkImages: expected readable images, got ${damaged.length} of ${total} that cannot be read: ` +
      `${damaged.map(({ name, damage }) => `'${name}' (${damage})`).join(', ')}. ` +
      'Replace them, or skip them (--skip-damaged).',
  );
}

async function inspectAll(
  set: ImageSet,
  ranges: readonly ItemRange[],
  options: CheckOptions,
): Promise<{ readonly damaged: ImageInspection[]; readonly total: number }> {
  const damaged: ImageInspection[] = [];
  let total = 0;
  for await (const { inspection } of inspections(set, ranges, options)) {
    if (inspection.damage !== undefined) damaged.push(inspection);
    total++;
  }
  return { damaged, total };
}

/** A set without its damaged images. */
export interface SoundImages {
  readonly set: StoredImageSet;
  /** Indices of its images in the whole set, ascending. */
  readonly kept: readonly number[];
  /** Damaged images, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly damage: string }[];
}

/**
 * Decodes all images of a set, and skips those that cannot be read.
 * @throws DparError if none remains; the signal's reason when it is aborted.
 */
export async function withoutDamaged(set: StoredImageSet, options: CheckOptions = {}): Promise<SoundImages> {
  checkArguments('withoutDamaged', { set, options }, { set: storedImageSetKinds, 'options?': checkOptionsKinds });
  const kept: number[] = [];
  const skipped: { name: string; damage: string }[] = [];
  if (set.inspect === undefined) return { set, kept: Array.from({ length: set.count }, (_, i) => i), skipped };
  for await (const { index, inspection } of inspections(set, [{ start: 0, count: set.count }], options)) {
    const { name, damage } = inspection;
    if (damage === undefined) kept.push(index);
    else skipped.push({ name, damage });
  }
  const [first] = skipped;
  if (kept.length === 0 && first !== undefined) {
    throw new DparError(
      `withoutDamaged: expected readable images in '${set.path}', got ${set.count} unreadable ones, such as '${first.name}' ` +
        `(${first.damage}). Check the folder.`,
    );
  }
  return { set: first === undefined ? { ...set, inspect: undefined } : selectImages(set, kept), kept, skipped };
}

async function* inspections(
  set: ImageSet,
  ranges: readonly ItemRange[],
  { onCheck, signal }: CheckOptions,
): AsyncGenerator<{ readonly index: number; readonly inspection: ImageInspection }> {
  if (set.inspect === undefined) return;
  const total = ranges.reduce((sum, { count }) => sum + count, 0);
  let [done, turned, transparent] = [0, 0, 0];
  for (const { start, count } of ranges) {
    let index = start;
    for await (const inspection of set.inspect(start, count)) {
      signal?.throwIfAborted();
      if (inspection.isTurned) turned++;
      if (inspection.isTransparent) transparent++;
      yield { index: index++, inspection };
      onCheck?.({ done: ++done, total, turned, transparent });
    }
  }
}

/**
 * Images of a set by their numbers, as a set. They count as checked.
 * @param chosen Numbers in the set, ascending.
 */
export function selectImages(set: StoredImageSet, chosen: readonly number[]): StoredImageSet {
  checkArguments('selectImages', { set, chosen }, { set: storedImageSetKinds, chosen: 'number[]' });
  const hash = createHash('sha256').update(set.identity).update(JSON.stringify(chosen));
  /** Ranges of the whole set. Consecutive images are read together, so some load ahead. */
  async function* inRuns<V>(first: number, count: number, read: (start: number, count: number) => AsyncIterable<V>) {
    for (let at = first; at < first + count; ) {
      const start = chosen[at] as number;
      let run = 1;
      while (at + run < first + count && chosen[at + run] === start + run) run++;
      yield* read(start, run);
      at += run;
    }
  }
  return {
    ...set,
    count: chosen.length,
    identity: formatDigest(hash),
    files: set.files && chosen.map((index) => set.files?.[index] as ImageFile),
    nameOf: (index) => set.nameOf(chosen[index] as number),
    read: (first, count, reading) => inRuns(first, count, (start, run) => set.read(start, run, reading)),
    readCrops: (first, count, crops, reading) =>
      inRuns(first, count, (start, run) => set.readCrops(start, run, crops, reading)),
    inspect: undefined,
  };
}
