import type { ItemRange } from '@dpar/io/node';

/**
 * The images that are still to be made, in batches of neighbours.
 *
 * @param there [N]: 1 for images that are not made again.
 */
export function missingBatches(there: Uint8Array, batchSize: number): ItemRange[] {
  const batches: ItemRange[] = [];
  let start = there.indexOf(0);
  while (start >= 0) {
    const next = there.indexOf(1, start);
    const end = Math.min(next < 0 ? there.length : next, start + batchSize);
    batches.push({ start, count: end - start });
    start = there.indexOf(0, end);
  }
  return batches;
}

/** How many images are there. */
export function countThere(there: Uint8Array): number {
  return there.reduce((sum, value) => sum + value, 0);
}
