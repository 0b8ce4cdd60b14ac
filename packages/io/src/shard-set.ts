import { type KindsOf, listOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { formatMissing } from './missing-items.js';
import { checkSettings } from './settings-file.js';
import type { ShardRecord } from './shard-record.js';
import { shardRecordKinds } from './shard-record.js';

/** A shard by its file or place, as people find it. */
export interface NamedShard {
  readonly name: string;
  readonly record: ShardRecord;
}

const namedShardKinds: KindsOf<NamedShard> = { name: 'string', record: shardRecordKinds, '*': 'any' };

/** What of a run should be there. */
export interface ArrangeOptions {
  /** What items are, in the plural: `images`. */
  readonly items: string;
  /** Items of the run (default: as the shards say). */
  readonly total?: number;
  /** Shards that are damaged, by name. */
  readonly damaged?: readonly string[];
}

const arrangeOptionsKinds: KindsOf<ArrangeOptions> = { items: 'string', 'total?': 'number', 'damaged?': 'string[]' };

/** Most items of a run; a larger number is a mistake. */
const mostItems = 100_000_000;

/** Shards of one kind of trouble that are named. */
const namedShards = 5;

/**
 * The shards of a run in the order of their items, which they must hold once each.
 * @throws IoError that names items that are missing, shards with items that are there twice, damaged shards, and a shard that
 * was made with something else.
 */
export function arrangeShards<S extends NamedShard>(shards: readonly S[], options: ArrangeOptions): readonly S[] {
  checkArguments(
    'arrangeShards',
    { shards, options },
    { shards: listOf(namedShardKinds), options: arrangeOptionsKinds },
  );
  const { items, total: expectedTotal, damaged = [] } = options;
  const [like] = shards;
  for (const shard of shards) if (like !== undefined) checkRun(like, shard);
  const total = expectedTotal ?? like?.record.total ?? 0;
  if (like !== undefined && like.record.total !== total) {
    throw new IoError(
      `arrangeShards: expected shards of a run of ${total} ${items}, got ${like.record.total} in '${like.name}'. Pass others.`,
    );
  }
  if (total > mostItems) {
    throw new IoError(`arrangeShards: expected at most ${mostItems} ${items}, got ${total}. Check '${like?.name}'.`);
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
  const troubles = [
    ...(missing === undefined && total > 0 ? [] : [`none of ${missing ?? 'them'}`]),
    ...(twice.length === 0 ? [] : [`twice ${named(twice)}`]),
    ...(damaged.length === 0 ? [] : [`damaged shards ${named(damaged.map((name) => `'${name}'`))}`]),
  ];
  if (troubles.length === 0) return ordered;
  const expected = total > 0 ? `${items} ${rangeOf(0, total)} once each` : items;
  const remedies = [
    ...(missing === undefined && damaged.length === 0 && total > 0
      ? []
      : ['run the command that makes the shards again']),
    ...(twice.length === 0 ? [] : ['leave out one of two']),
  ];
  const remedy = remedies.join(', and ');
  throw new IoError(
    `arrangeShards: expected ${expected}, got ${troubles.join('; ')}. ${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`,
  );
}

function checkRun(like: NamedShard, shard: NamedShard): void {
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
    `arrangeShards: expected shards of the run ${a.run} of ${a.total} as '${like.name}', got ${b.run} of ${b.total} in ` +
      `'${shard.name}'. Leave it out.`,
  );
}

function rangeOf(first: number, count: number): string {
  return count > 1 ? `${first}-${first + count - 1}` : `${first}`;
}

function named(names: readonly string[]): string {
  const more = names.length - namedShards;
  return `${names.slice(0, namedShards).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
