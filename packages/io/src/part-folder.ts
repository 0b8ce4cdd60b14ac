import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { fromHostTensor } from './convert.js';
import { IoError } from './error.js';
import { agreeOnSettings, type Settings, writeSettings } from './settings-file.js';
import { readShard, readShardRecord, writeShard } from './shard-file.js';
import { runDigest, type ShardRecord } from './shard-record.js';
import { arrangeShards, type NamedShard } from './shard-set.js';
import type { HostTensor, StoredDType, StoredTensor } from './stored.js';
import { isSystemEntry } from './system-entry.js';

/** Items `start` to `start + count - 1`, such as images. */
export interface ItemRange {
  readonly start: number;
  readonly count: number;
}

/** Kinds of {@link ItemRange}. */
export const itemRangeKinds: KindsOf<ItemRange> = { start: 'number', count: 'number', '*': 'any' };

/** The tensors of a part by name, and each one's element type and shape without the first axis, which is that of items. */
export type PartTypes = Readonly<Record<string, readonly [StoredDType, readonly number[]]>>;

/** What a part holds: of each of its items, a row of each tensor. */
export interface PartContent extends ItemRange {
  /** By name, [count, ...]. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Of which items parts are kept, and how. */
export interface PartFolderOptions {
  /** Number of the first item in its run. */
  readonly first: number;
  readonly count: number;
  /** Items of the run, of which others may be kept elsewhere (default: `first + count`). */
  readonly total?: number;
  /** Items whose parts are read and checked; of others only the headers are read (default: all). */
  readonly ours?: ItemRange;
  /** What all parts hold; a part may hold more. */
  readonly types: PartTypes;
  readonly settings: Settings;
  /** Name of the file with the settings. */
  readonly settingsFile: string;
}

const partFolderOptionsKinds: KindsOf<PartFolderOptions> = {
  first: 'number',
  count: 'number',
  'total?': 'number',
  'ours?': itemRangeKinds,
  types: 'object',
  settings: 'object',
  settingsFile: 'string',
};

/**
 * Finished parts of work that is not yet whole, in a folder: `000016-000031.safetensors` holds items 16 to 31 of the run. Each
 * appears whole and is a shard, with a record of what it holds and was made with. The folder appears with the first of them.
 */
export class PartFolder {
  /** [count], 1 for items of which there is a part. */
  readonly there: Uint8Array;
  private readonly broken: ItemRange[] = [];
  private readonly shards: NamedShard[] = [];
  private agreed = false;

  private constructor(
    private readonly folder: string,
    private readonly options: PartFolderOptions,
  ) {
    this.there = new Uint8Array(options.count);
  }

  /**
   * Finds what an earlier run has left. A part that is damaged counts as missing.
   * @throws IoError if it, or one of its parts, was made with other settings, or the folder holds something else.
   */
  static async open(folder: string, options: PartFolderOptions): Promise<PartFolder> {
    checkArguments('PartFolder.open', { folder, options }, { folder: 'string', options: partFolderOptionsKinds });

    const parts = new PartFolder(folder, options);
    const names = await readdir(folder).catch(() => []);
    parts.agreed = await parts.agree();
    if (!parts.agreed && names.some((name) => !isSystemEntry(name))) {
      throw new IoError(
        `PartFolder: expected '${join(folder, options.settingsFile)}' of an earlier run, got a folder without it. Move '${folder}' away.`,
      );
    }
    for (const name of names.sort()) {
      const range = parts.rangeOf(name);
      if (range !== undefined && !parts.overlaps(range)) await parts.find(range);
    }
    return parts;
  }

  /** Keeps a finished part. @throws IoError for tensors that do not fit the part. */
  async add(range: ItemRange, tensors: Readonly<Record<string, HostTensor | StoredTensor>>): Promise<void> {
    checkArguments('PartFolder.add', { range, tensors }, { range: itemRangeKinds, tensors: 'object' });

    // Another run of other settings may have begun in the meantime.
    if (!this.agreed && !(await this.agree()))
      await writeSettings(join(this.folder, this.options.settingsFile), this.options.settings);
    this.agreed = true;
    const stored = new Map(
      Object.entries(tensors).map(([name, tensor]) => [name, 'bytes' in tensor ? tensor : fromHostTensor(tensor)]),
    );
    const path = this.pathOf(range);
    this.list(range, await writeShard(path, stored, this.itemsOf(range), this.options.settings));
  }

  /**
   * Checks that there are parts with all items.
   * @param items What items are, in the plural: `images`.
   * @throws IoError that names the items that are missing, and damaged parts.
   */
  checkWhole(items: string): void {
    checkArguments('PartFolder.checkWhole', { items }, { items: 'string' });

    arrangeShards(this.shards, { items, damaged: this.damaged(), total: this.total });
  }

  /**
   * All parts in the order of their items, one at a time.
   * @throws IoError if they have been removed or damaged in the meantime.
   */
  contents(signal?: AbortSignal): AsyncGenerator<PartContent> {
    checkArguments('PartFolder.contents', { signal }, { 'signal?': 'AbortSignal' });
    return this.readContents(signal);
  }

  private async *readContents(signal?: AbortSignal): AsyncGenerator<PartContent> {
    for (const { record } of this.shards.sort((a, b) => a.record.first - b.record.first)) {
      signal?.throwIfAborted();
      const range = { start: record.first - this.options.first, count: record.count };
      const tensors = await this.read(range);
      if (tensors === undefined) {
        throw new IoError(
          `PartFolder: expected a finished part in '${this.pathOf(range)}', got none that is whole. Run the same command again.`,
        );
      }
      yield { ...range, tensors };
    }
  }

  /** Removes all parts, once the output is whole. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private agree(): Promise<boolean> {
    return agreeOnSettings(
      join(this.folder, this.options.settingsFile),
      this.options.settings,
      `remove '${this.folder}' to begin anew`,
    );
  }

  private pathOf({ start, count }: ItemRange): string {
    const [from, to] = [start, start + count - 1].map((i) => String(this.options.first + i).padStart(6, '0'));
    return join(this.folder, `${from}-${to}.safetensors`);
  }

  private rangeOf(name: string): ItemRange | undefined {
    const [, from, to] = /^(\d{6,})-(\d{6,})\.safetensors$/.exec(name)?.map(Number) ?? [];
    if (from === undefined || to === undefined) return undefined;
    const range = { start: from - this.options.first, count: to - from + 1 };
    const fits = range.start >= 0 && range.count > 0 && range.start + range.count <= this.options.count;
    return fits && basename(this.pathOf(range)) === name ? range : undefined;
  }

  private overlaps({ start, count }: ItemRange): boolean {
    return this.there.subarray(start, start + count).includes(1);
  }

  /** Paths of parts that are damaged and were not made again. */
  private damaged(): string[] {
    const lost = ({ start, count }: ItemRange): boolean => this.there.subarray(start, start + count).includes(0);
    return this.broken.filter(lost).map((range) => this.pathOf(range));
  }

  private get total(): number {
    const { first, count, total = first + count } = this.options;
    return total;
  }

  private itemsOf({ start, count }: ItemRange) {
    return { first: this.options.first + start, count, total: this.total };
  }

  private list(range: ItemRange, record: ShardRecord): void {
    this.shards.push({ name: this.pathOf(range), record });
    this.there.fill(1, range.start, range.start + range.count);
  }

  /** Lists a part that is there, or tells that it is damaged. */
  private async find(range: ItemRange): Promise<void> {
    const path = this.pathOf(range);
    const { ours = { start: 0, count: this.options.count } } = this.options;
    const isOurs = range.start < ours.start + ours.count && range.start + range.count > ours.start;
    const record = await readShardRecord(path).catch(() => undefined);
    if (record !== undefined) this.checkRun(path, record);
    const whole =
      record !== undefined && this.fits(range, record) && (!isOurs || (await this.read(range)) !== undefined);
    if (whole) this.list(range, record);
    else this.broken.push(range);
  }

  private checkRun(path: string, { run }: ShardRecord): void {
    const { settings, settingsFile } = this.options;
    if (run === runDigest(settings)) return;
    throw new IoError(
      `PartFolder: expected parts of the run ${runDigest(settings)} that '${join(this.folder, settingsFile)}' tells, got one ` +
        `of ${run} in '${path}'. Move it away.`,
    );
  }

  private fits(range: ItemRange, record: ShardRecord): boolean {
    const { first, count, total } = this.itemsOf(range);
    return record.first === first && record.count === count && record.total === total;
  }

  /** The tensors of a part; undefined if it is not there, not whole or of other types. */
  private async read(range: ItemRange): Promise<ReadonlyMap<string, StoredTensor> | undefined> {
    const content = await readShard(this.pathOf(range)).catch(() => undefined);
    if (content === undefined || !this.fits(range, content.record)) return undefined;
    if ([...content.tensors.values()].some(({ shape }) => shape[0] !== range.count)) return undefined;
    const fits = Object.entries(this.options.types).every(([name, [dtype, shape]]) => {
      const tensor = content.tensors.get(name);
      return tensor?.dtype === dtype && `${tensor.shape}` === `${[range.count, ...shape]}`;
    });
    return fits ? content.tensors : undefined;
  }
}
