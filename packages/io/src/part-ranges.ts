import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import type { ItemRange } from './part-folder.js';
import { itemRangeKinds } from './part-folder.js';

/** Which of equal shares of the parts, counted from 0. */
export interface PartShare {
  readonly index: number;
  readonly count: number;
}

const partShareKinds: KindsOf<PartShare> = { index: 'number', count: 'number', '*': 'any' };

/** The items of a share: whole parts, next to one another. Parts hold `partSize` items each, but for the last. */
export function shareOfParts(items: number, partSize: number, partShare: PartShare): ItemRange {
  checkArguments(
    'shareOfParts',
    { items, partSize, partShare },
    { items: 'number', partSize: 'number', partShare: partShareKinds },
  );
  const { index, count } = partShare;
  const parts = Math.ceil(items / partSize);
  const [start, end] = [index, index + 1].map((i) => Math.min(items, Math.floor((i * parts) / count) * partSize)) as [
    number,
    number,
  ];
  return { start, count: end - start };
}

/**
 * Ranges of whole parts within a range that are not there, as long as they come.
 * @param there 1 for items of parts that are there; parts are there as a whole or not at all.
 * @param itemRange Begins where a part begins.
 */
export function missingParts(there: Uint8Array, itemRange: ItemRange, partSize: number): Generator<ItemRange> {
  checkArguments(
    'missingParts',
    { there, itemRange, partSize },
    { there: 'Uint8Array', itemRange: itemRangeKinds, partSize: 'number' },
  );
  return missing(there, itemRange, partSize);
}

function* missing(there: Uint8Array, { start, count }: ItemRange, partSize: number): Generator<ItemRange> {
  const end = start + count;
  for (let at = start; at < end; ) {
    if (there[at] === 1) {
      at = Math.min(end, at + partSize);
      continue;
    }
    let to = at;
    while (to < end && there[to] === 0) to = Math.min(end, to + partSize);
    yield { start: at, count: to - at };
    at = to;
  }
}
