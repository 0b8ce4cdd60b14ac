import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { fromHostTensor, type HostTensor, IoError, type StoredDType, type StoredTensor } from '@dpar/io';
import { isSystemEntry } from '@dpar/io/node';
import { arrangeShards } from './arrange.js';
import { checkArguments } from './check-arguments.js';
import { type ItemRange, itemRangeKinds } from './ranges.js';
import { checkRun, type NamedShard, partName, type ShardItems, type ShardRecord } from './record.js';
import type { ShardStore } from './run-sharded.js';
import { RunSettings, type Settings } from './settings.js';
import { readShard, readShardRecord, writeShard } from './shard-file.js';

/** Element type of each tensor of a part, and its shape without the first axis, which counts items. */
export type PartTypes = Readonly<Record<string, readonly [StoredDType, readonly number[]]>>;

/** Tensors of a part, by name, [count, ...]. */
export type PartTensors = Readonly<Record<string, HostTensor | StoredTensor>>;

/** Items of a part, with a row of each tensor for each of them. */
export interface PartContent extends ItemRange {
  /** Tensors by name, [count, ...]. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Options of {@link PartFolder.open}. */
export interface PartFolderOptions {
  /** Number of the first item of the folder in its run. */
  readonly first: number;
  /** Items of the folder. */
  readonly count: number;
  /** Items of the run, of which other folders may keep some (default: `first + count`). */
  readonly total?: number;
  /** Items whose parts are read and checked (default: all). Of other parts only the headers are read. */
  readonly ours?: ItemRange;
  /** Types of tensors that all parts have. A part may have further tensors. */
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
 * Folder with the finished parts of a run: `000016-000031.safetensors` holds items 16 to 31. Each part is a shard with a record
 * (see {@link writeShard}) and appears whole or not at all. The first part creates the folder.
 */
export class PartFolder implements ShardStore<PartTensors> {
  /** [count], 1 for items of which there is a part. */
  readonly there: Uint8Array;
  private readonly broken: ItemRange[] = [];
  private readonly shards: NamedShard[] = [];
  private readonly total: number;

  private constructor(
    private readonly folder: string,
    private readonly options: PartFolderOptions,
    private readonly settings: RunSettings,
  ) {
    const { first, count, total = first + count } = options;
    this.there = new Uint8Array(count);
    this.total = total;
  }

  /**
   * Finds the parts of earlier runs. A damaged part counts as missing.
   *
   * @throws IoError if the folder or one of its parts was made with other settings, or the folder has other content.
   */
  static async open(folder: string, options: PartFolderOptions): Promise<PartFolder> {
    checkArguments('PartFolder.open', { folder, options }, { folder: 'string', options: partFolderOptionsKinds });

    const path = join(folder, options.settingsFile);
    const names = await readdir(folder).catch(() => []);
    const settings = await RunSettings.open(path, options.settings, `remove '${folder}' to start anew`);
    if (!settings.isThere && names.some((name) => !isSystemEntry(name))) {
      throw new IoError(
        `PartFolder: expected '${path}' of an earlier run, got a folder without it. Move '${folder}' away.`,
      );
    }
    const parts = new PartFolder(folder, options, settings);
    for (const name of names.sort()) {
      const range = parts.rangeOf(name);
      if (range !== undefined && !parts.itemsThere(range).includes(1)) await parts.find(range);
    }
    return parts;
  }

  /** Keeps a finished part. @throws IoError for tensors that do not fit the part. */
  async add(range: ItemRange, tensors: PartTensors): Promise<void> {
    checkArguments('PartFolder.add', { range, tensors }, { range: itemRangeKinds, tensors: 'object' });

    await this.settings.write();
    const stored = new Map(
      Object.entries(tensors).map(([name, tensor]) => [name, 'bytes' in tensor ? tensor : fromHostTensor(tensor)]),
    );
    this.list(range, await writeShard(this.pathOf(range), stored, this.itemsOf(range), this.options.settings));
  }

  /**
   * Checks that there are parts with all items.
   *
   * @param items Name of the items in the plural, such as `images`.
   * @throws IoError that names missing items and damaged parts.
   */
  checkWhole(items: string): void {
    checkArguments('PartFolder.checkWhole', { items }, { items: 'string' });

    const damaged = this.broken
      .filter((range) => this.itemsThere(range).includes(0))
      .map((range) => this.pathOf(range));
    arrangeShards(this.shards, { items, damaged, total: this.total });
  }

  /**
   * Reads all parts in the order of their items, one at a time.
   *
   * @throws IoError if a part has been removed or damaged since the folder was opened.
   */
  contents(signal?: AbortSignal): AsyncGenerator<PartContent> {
    checkArguments('PartFolder.contents', { signal }, { 'signal?': 'AbortSignal' });
    return this.readContents(signal);
  }

  private async *readContents(signal?: AbortSignal): AsyncGenerator<PartContent> {
    for (const { record, name } of this.shards.sort((a, b) => a.record.first - b.record.first)) {
      signal?.throwIfAborted();
      const range = { start: record.first - this.options.first, count: record.count };
      const tensors = await this.read(range);
      if (tensors === undefined) {
        throw new IoError(
          `PartFolder: expected a finished part in '${name}', got a missing or damaged file. Run the same command again.`,
        );
      }
      yield { ...range, tensors };
    }
  }

  /** Removes all parts, once the output is whole. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private pathOf(range: ItemRange): string {
    return join(this.folder, `${partName(this.itemsOf(range))}.safetensors`);
  }

  private rangeOf(name: string): ItemRange | undefined {
    const [, from, to] = /^(\d{6,})-(\d{6,})\.safetensors$/.exec(name)?.map(Number) ?? [];
    if (from === undefined || to === undefined) return undefined;
    const range = { start: from - this.options.first, count: to - from + 1 };
    const fits = range.start >= 0 && range.count > 0 && range.start + range.count <= this.options.count;
    return fits && basename(this.pathOf(range)) === name ? range : undefined;
  }

  private itemsThere({ start, count }: ItemRange): Uint8Array {
    return this.there.subarray(start, start + count);
  }

  private itemsOf({ start, count }: ItemRange): ShardItems {
    return { first: this.options.first + start, count, total: this.total };
  }

  private list(range: ItemRange, record: ShardRecord): void {
    this.shards.push({ name: this.pathOf(range), record });
    this.itemsThere(range).fill(1);
  }

  /** Lists the part of an earlier run as whole or damaged. */
  private async find(range: ItemRange): Promise<void> {
    const name = this.pathOf(range);
    const { ours = { start: 0, count: this.options.count } } = this.options;
    const isOurs = range.start < ours.start + ours.count && range.start + range.count > ours.start;
    const record = await readShardRecord(name).catch(() => undefined);
    if (record !== undefined) checkRun(this.settings, { name, record });
    const isWhole =
      record !== undefined && this.fits(range, record) && (!isOurs || (await this.read(range)) !== undefined);
    if (isWhole) this.list(range, record);
    else this.broken.push(range);
  }

  private fits(range: ItemRange, record: ShardRecord): boolean {
    const { first, count, total } = this.itemsOf(range);
    return record.first === first && record.count === count && record.total === total;
  }

  /** Tensors of a part; undefined if it is missing, damaged or of other types. */
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
