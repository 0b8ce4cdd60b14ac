import type { KindsOf } from '@dpar/check';
import { IoError } from '@dpar/io';
import { checkArguments } from './check-arguments.js';
import { missingRuns } from './ranges.js';
import type { NamedShard } from './record.js';
import { checkSettings } from './settings.js';
import type { Shard } from './shard.js';

/** Options of {@link checkShards}. */
export interface ArrangeOptions {
  /** Name of the items in the plural, such as `images`. */
  readonly items: string;
  /** Number of items of the run (default: the number in the records). */
  readonly total?: number | undefined;
  /** Names of damaged shards. */
  readonly damaged?: readonly string[];
}

const arrangeOptionsKinds: KindsOf<ArrangeOptions> = { items: 'string', 'total?': 'number', 'damaged?': 'string[]' };

/** Most items of a run; a larger number is a mistake. */
const mostItems = 100_000_000;

/** Most shards and ranges that a message names. */
const [namedShards, namedRanges] = [5, 10];

/**
 * Sorts the shards of a run by their items, and checks that they hold each item once.
 *
 * @throws IoError that names missing items, shards that overlap, damaged shards, or a shard of another run.
 */
export function arrangeShards<S extends NamedShard>(shards: readonly S[], options: ArrangeOptions): readonly S[] {
  const { items, total: expectedTotal, damaged = [] } = options;
  const [like] = shards;
  for (const shard of shards) if (like !== undefined) checkSameRun(like, shard);
  const total = expectedTotal ?? like?.record.total ?? 0;
  if (like !== undefined && like.record.total !== total) {
    throw new IoError(
      `checkShards: expected shards of a run of ${total} ${items}, got ${like.record.total} in '${like.name}'. Pass the shards of one run.`,
    );
  }
  if (total > mostItems) {
    throw new IoError(`checkShards: expected at most ${mostItems} ${items}, got ${total}. Check '${like?.name}'.`);
  }
  const ordered = [...shards].sort((a, b) => a.record.first - b.record.first || a.record.count - b.record.count);
  const there = new Uint8Array(total);
  const twice: string[] = [];
  let last: S | undefined;
  for (const shard of ordered) {
    const { first, count } = shard.record;
    const end = last === undefined ? 0 : last.record.first + last.record.count;
    if (last !== undefined && first < end && count > 0) {
      twice.push(`${rangeOf(first, Math.min(end, first + count) - first)} ('${last.name}', '${shard.name}')`);
    }
    there.fill(1, first, first + count);
    if (first + count >= end) last = shard;
  }
  const missing = formatMissing(there);
  const isGone = missing !== undefined || total === 0;
  const troubles = [
    ...(isGone ? [`none of ${missing ?? 'them'}`] : []),
    ...(twice.length > 0 ? [`twice ${listed(twice, namedShards)}`] : []),
    ...(damaged.length > 0
      ? [
          `damaged shards ${listed(
            damaged.map((name) => `'${name}'`),
            namedShards,
          )}`,
        ]
      : []),
  ];
  if (troubles.length === 0) return ordered;
  const expected = total > 0 ? `${items} ${rangeOf(0, total)} once each` : items;
  const remedies = [
    ...(isGone || damaged.length > 0 ? ['Run the command that makes the shards again.'] : []),
    ...(twice.length > 0 ? ['Leave out one of two overlapping shards.'] : []),
  ];
  throw new IoError(`checkShards: expected ${expected}, got ${troubles.join('; ')}. ${remedies.join(' ')}`);
}

/**
 * Reads the shards of a run, sorts them by their items, and checks that they hold each item once.
 *
 * @param onShard Receives each shard after it was read.
 * @throws IoError that names missing items, shards that overlap, damaged shards, or a shard of another run.
 */
export async function checkShards<S extends Shard>(
  shards: readonly S[],
  options: ArrangeOptions,
  onShard: (shard: S) => void = () => {},
): Promise<readonly S[]> {
  checkArguments(
    'checkShards',
    { shards, options, onShard },
    { shards: 'object[]', options: arrangeOptionsKinds, 'onShard?': 'function' },
  );
  const whole: S[] = [];
  const damaged = [...(options.damaged ?? [])];
  for (const shard of shards) {
    if (await shard.isWhole()) whole.push(shard);
    else damaged.push(shard.name);
    onShard(shard);
  }
  return arrangeShards(whole, { ...options, damaged });
}

function checkSameRun(like: NamedShard, shard: NamedShard): void {
  const [a, b] = [like.record, shard.record];
  if (a.run === b.run && a.total === b.total) return;
  if (a.settings !== undefined && b.settings !== undefined) {
    checkSettings(
      like.name,
      { ...a.settings, total: a.total },
      { ...b.settings, total: b.total },
      `leave out '${shard.name}'`,
    );
  }
  throw new IoError(
    `checkShards: expected shards of the run ${a.run} of ${a.total} as '${like.name}', got ${b.run} of ${b.total} in ` +
      `'${shard.name}'. Leave it out.`,
  );
}

function rangeOf(first: number, count: number): string {
  return count > 1 ? `${first}-${first + count - 1}` : `${first}`;
}

/** Ranges of missing items, such as `3, 7-12`; undefined if all are there. */
function formatMissing(there: Uint8Array): string | undefined {
  const runs = missingRuns(there, { start: 0, count: there.length });
  if (runs.length === 0) return undefined;
  return listed(
    runs.map(({ start, count }) => rangeOf(start, count)),
    namedRanges,
    ' ranges',
  );
}

function listed(names: readonly string[], most: number, what = ''): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more${what}` : ''}`;
}
