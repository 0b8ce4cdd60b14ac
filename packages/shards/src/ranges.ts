import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';

/** Items `start` to `start + count - 1`, such as images. */
export interface ItemRange {
  readonly start: number;
  readonly count: number;
}

/** Kinds of {@link ItemRange}. */
export const itemRangeKinds: KindsOf<ItemRange> = { start: 'number', count: 'number', '*': 'any' };

/** One of `count` equal shares of the work, numbered from 0. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

const shareKinds: KindsOf<Share> = { index: 'number', count: 'number', '*': 'any' };

/**
 * Items of a share. Shares follow one another and consist of whole parts.
 *
 * @param items Number of items of the run.
 * @param partSize Items of a part; the last part may be smaller.
 */
export function shareOf(items: number, share: Share, partSize = 1): ItemRange {
  checkArguments('shareOf', { items, share, partSize }, { items: 'number', share: shareKinds, 'partSize?': 'number' });
  const parts = Math.ceil(items / partSize);
  const edge = (index: number): number => Math.min(items, Math.floor((index * parts) / share.count) * partSize);
  const start = edge(share.index);
  return { start, count: edge(share.index + 1) - start };
}

/** Longest ranges of neighbouring items that are missing, in ascending order. @param there 1 for items that are kept. */
export function missingRuns(there: Uint8Array, { start, count }: ItemRange): ItemRange[] {
  const runs: ItemRange[] = [];
  const end = start + count;
  for (let at = there.indexOf(0, start); at >= 0 && at < end; ) {
    const next = there.indexOf(1, at);
    const to = next < 0 ? end : Math.min(next, end);
    runs.push({ start: at, count: to - at });
    at = there.indexOf(0, to);
  }
  return runs;
}

/** Cuts a range into parts of `partSize` items; the last may be smaller. */
export function partsOf(itemRange: ItemRange, partSize: number): ItemRange[] {
  checkArguments('partsOf', { itemRange, partSize }, { itemRange: itemRangeKinds, partSize: 'number' });
  const { start, count } = itemRange;
  return Array.from({ length: Math.ceil(count / partSize) }, (_, k) => ({
    start: start + k * partSize,
    count: Math.min(partSize, count - k * partSize),
  }));
}

/** Number of items of a range that are kept. @param there 1 for items that are kept. @param itemRange Default: all. */
export function countThere(there: Uint8Array, itemRange?: ItemRange): number {
  checkArguments('countThere', { there, itemRange }, { there: 'Uint8Array', 'itemRange?': itemRangeKinds });
  const { start, count } = itemRange ?? { start: 0, count: there.length };
  return there.subarray(start, start + count).reduce((sum, value) => sum + value, 0);
}
