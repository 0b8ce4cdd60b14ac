import { createHash } from 'node:crypto';
import type { KindsOf } from '@dpar/check';
import type { StreamedTensors } from '@dpar/io';
import { IoError } from '@dpar/io';
import { contentDigest, formatDigest, parseJsonObject } from '@dpar/io/node';
import { checkArguments } from './check-arguments.js';
import type { RunSettings, Settings } from './settings.js';

/** Items of a run, such as its images, that a shard holds: `first` to `first + count - 1` of `total`. */
export interface ShardItems {
  /** Number of the first item, from 0. */
  readonly first: number;
  readonly count: number;
  readonly total: number;
}

const shardItemsKinds: KindsOf<ShardItems> = { first: 'number', count: 'number', total: 'number', '*': 'any' };

/** Record that a shard carries: its items, its run and its content. */
export interface ShardRecord extends ShardItems {
  /** Digest of the settings of the run, see {@link runDigest}. */
  readonly run: string;
  /** Digest of the tensors of the shard, see `contentDigest` of `@dpar/io/node`. */
  readonly digest: string;
  /** Settings of the run, if no file beside the shard has them. */
  readonly settings?: Settings;
}

/** A shard, with its path or place for messages. */
export interface NamedShard {
  readonly name: string;
  readonly record: ShardRecord;
}

/** Digest of the settings of a run: models by their content, options, seed. */
export function runDigest(settings: Readonly<Record<string, unknown>>): string {
  checkArguments('runDigest', { settings }, { settings: 'object' });

  const entries = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return formatDigest(createHash('sha256').update(JSON.stringify(entries)));
}

/**
 * Checks that a shard belongs to a run.
 *
 * @param runSettings Settings of the run, and their file for the error message.
 * @throws IoError if the shard is of another run.
 */
export function checkRun(runSettings: Pick<RunSettings, 'path' | 'settings'>, namedShard: NamedShard): void {
  checkArguments('checkRun', { runSettings, namedShard }, { runSettings: 'object', namedShard: 'object' });
  const { name, record } = namedShard;
  const run = runDigest(runSettings.settings);
  if (record.run === run) return;
  throw new IoError(
    `checkRun: expected a shard of the run ${run}, whose settings are in '${runSettings.path}', got one of ${record.run} in ` +
      `'${name}'. Move it away.`,
  );
}

/**
 * Makes the record of a shard.
 *
 * @param withSettings Puts the settings into the record, for a shard without a file of settings beside it.
 */
export async function shardRecord(
  shardItems: ShardItems,
  settings: Settings,
  tensors: StreamedTensors,
  withSettings = false,
): Promise<ShardRecord> {
  checkArguments(
    'shardRecord',
    { shardItems, settings, tensors, withSettings },
    { shardItems: shardItemsKinds, settings: 'object', tensors: 'Map | object', 'withSettings?': 'boolean' },
  );
  const { first, count, total } = shardItems;
  const [run, digest] = [runDigest(settings), await contentDigest(tensors)];
  return { first, count, total, run, digest, ...(withSettings && { settings }) };
}

/**
 * Parses the JSON of a {@link ShardRecord}.
 *
 * @param what Place of the text, for error messages.
 * @throws IoError if the text is not a record.
 */
export function parseShardRecord(what: string, bytes: Uint8Array): ShardRecord {
  checkArguments('parseShardRecord', { what, bytes }, { what: 'string', bytes: 'Uint8Array' });

  const { first, count, total, run, digest, settings } = parseJsonObject('parseShardRecord', what, bytes);
  const numbers = [first, count, total].every((value) => Number.isSafeInteger(value) && (value as number) >= 0);
  const record = { first, count, total, run, digest, ...(settings !== undefined && { settings }) } as ShardRecord;
  const isWhole =
    numbers && record.first + record.count <= record.total && typeof run === 'string' && typeof digest === 'string';
  const isObject = typeof settings === 'object' && settings !== null && !Array.isArray(settings);
  if (isWhole && (settings === undefined || isObject)) return record;
  throw new IoError(
    `parseShardRecord: expected the record of a shard in ${what}, got ${JSON.stringify(record).slice(0, 120)}. Make it again.`,
  );
}

/** Name of the file of some items, without its extension: `000016-000031`. */
export function partName({ first, count }: ShardItems): string {
  return [first, first + count - 1].map((item) => String(item).padStart(6, '0')).join('-');
}
