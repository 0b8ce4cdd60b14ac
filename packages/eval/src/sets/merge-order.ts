import { DparError } from '@dpar/tensor';
import type { MergePart } from './merge-part.js';
import { formatMissing } from './missing.js';

/** Neighbours in a part that are neighbours in the result. */
export interface PlacedImages {
  readonly part: MergePart;
  readonly first: number;
  readonly count: number;
}

/** Most images of a run; a larger number in a name is a mistake. */
const mostImages = 10_000_000;

/** Images that are there twice, of which so many are named. */
const namedTwice = 5;

/**
 * The order in which the images of parts follow one another: by their numbers, if they have any.
 *
 * @param expected Number of images that there must be.
 * @throws DparError that names images that are missing or there twice.
 */
export function orderImages(
  parts: readonly MergePart[],
  expected: number | undefined,
): { readonly total: number; readonly placed: readonly PlacedImages[] } {
  if (parts.some(({ run }) => run === undefined)) {
    const total = parts.reduce((sum, { set }) => sum + set.count, 0);
    if (expected !== undefined && expected !== total) {
      throw new DparError(`mergeImages: expected ${expected} images, got ${total}. Add or leave out parts.`);
    }
    return { total, placed: parts.map((part) => ({ part, first: 0, count: part.set.count })) };
  }
  const total = totalOf(parts, expected);
  const owner = new Int32Array(total).fill(-1); // number of the part, and the image's place in it
  const place = new Int32Array(total);
  const twice: string[] = [];
  for (const [k, { set, run }] of parts.entries()) {
    for (let i = 0; i < set.count; i++) {
      const number = run?.numberOf(i) ?? 0;
      const before = parts[owner[number] as number];
      if (before !== undefined) {
        twice.push(`${number} (${before.set.nameOf(place[number] as number)}, ${set.nameOf(i)})`);
      }
      owner[number] = k;
      place[number] = i;
    }
  }
  if (twice.length > 0) {
    const more = twice.length - namedTwice;
    throw new DparError(
      `mergeImages: expected each image once, got twice ${twice.slice(0, namedTwice).join(', ')}` +
        `${more > 0 ? ` and ${more} more` : ''}. Leave out one of the parts.`,
    );
  }
  const missing = formatMissing(Uint8Array.from(owner, (k) => Number(k >= 0)));
  if (missing !== undefined) {
    throw new DparError(
      `mergeImages: expected images 0 to ${total - 1}, got none of ${missing}. Run the command that makes them again.`,
    );
  }
  return { total, placed: runsOf(parts, owner, place) };
}

function totalOf(parts: readonly MergePart[], expected: number | undefined): number {
  let largest = 0;
  for (const { set, run } of parts) {
    for (let i = 0; i < set.count; i++) largest = Math.max(largest, run?.numberOf(i) ?? 0);
  }
  const stated = parts.map(({ run }) => run?.total).filter((total) => total !== undefined);
  const totals = new Set(expected === undefined ? stated : [...stated, expected]);
  const [total = largest + 1] = totals;
  if (totals.size > 1 || total <= largest || total > mostImages) {
    throw new DparError(
      `mergeImages: expected parts of one run of ${[...totals].join(' or ') || `at most ${mostImages}`} images, ` +
        `got image ${largest}. Pass the parts of one run, and its number of images.`,
    );
  }
  return total;
}

/** Joins neighbours, so that each part is read in as few pieces as can be. */
function runsOf(parts: readonly MergePart[], owner: Int32Array, place: Int32Array): PlacedImages[] {
  const placed: PlacedImages[] = [];
  for (let at = 0; at < owner.length; ) {
    let end = at + 1;
    while (end < owner.length && owner[end] === owner[at] && place[end] === (place[end - 1] as number) + 1) end++;
    const part = parts[owner[at] as number] as MergePart;
    placed.push({ part, first: place[at] as number, count: end - at });
    at = end;
  }
  return placed;
}
