import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { countThere, type ItemRange, itemRangeKinds, missingRuns, partsOf } from './ranges.js';

/** Keeps finished items, as `PartFolder` does. */
export interface ShardStore<V> {
  /** [items of the run], 1 for items that are kept, from an earlier run or by `add`. */
  readonly there: Uint8Array;
  /** Keeps a part. */
  add(range: ItemRange, value: V): Promise<void>;
}

/** Neighbouring parts that are to be made. */
export interface MissingParts {
  readonly parts: readonly ItemRange[];
  /** The items of all these parts, for work that reads them in one go. */
  readonly run: ItemRange;
  /** Takes the number of items of the current part that are made, or a fraction, for the progress. */
  report(items: number): void;
}

/** Receives the progress of work on `total` items: the number that are made, and the number that are kept for later runs. */
export type OnShardProgress = (done: number, total: number, kept: number) => void;

/** Work that {@link runSharded} does. */
export interface ShardedWork<V> {
  readonly store: ShardStore<V>;
  /** Items to work on (default: all); starts where a part starts. */
  readonly ours?: ItemRange | undefined;
  /** Items that are made, and kept, together. */
  readonly partSize: number;
  /** Checks items before the first is made. */
  readonly check?: ((missing: readonly ItemRange[]) => Promise<void>) | undefined;
  /** Makes missing parts that are neighbours, and yields the value of each in turn. */
  make(missing: MissingParts): AsyncIterable<V>;
  /** Completes the output, once all items are kept. */
  readonly finish?: (() => Promise<void>) | undefined;
  /** Counts the items of earlier runs too. */
  readonly onProgress?: OnShardProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

const shardedWorkKinds: KindsOf<ShardedWork<unknown>> = {
  store: { there: 'Uint8Array', add: 'function', '*': 'any' },
  'ours?': itemRangeKinds,
  partSize: 'number',
  'check?': 'function',
  make: 'function',
  'finish?': 'function',
  'onProgress?': 'function',
  'signal?': 'AbortSignal',
};

/**
 * Makes the items that are not kept yet, part by part, and completes the output. The same call resumes after an interruption.
 *
 * @returns Number of items that were made.
 * @throws What `check`, `make` and `finish` throw; the signal's reason when it is aborted.
 */
export async function runSharded<V>(shardedWork: ShardedWork<V>): Promise<number> {
  checkArguments('runSharded', { shardedWork }, { shardedWork: shardedWorkKinds });
  const { store, partSize, onProgress, signal } = shardedWork;
  const { ours = { start: 0, count: store.there.length } } = shardedWork;
  const before = countThere(store.there, ours);
  const missing = missingRuns(store.there, ours);
  await shardedWork.check?.(missing);
  let made = 0;
  const report = (items: number): void => onProgress?.(before + made + items, ours.count, before + made);
  report(0);
  for (const run of missing) {
    const parts = partsOf(run, partSize);
    let next = 0;
    for await (const value of shardedWork.make({ parts, run, report })) {
      const part = parts[next++] as ItemRange;
      await store.add(part, value);
      made += part.count;
      report(0);
      signal?.throwIfAborted();
    }
  }
  signal?.throwIfAborted();
  await shardedWork.finish?.();
  return made;
}
