import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { fromHostTensor, type HostTensor, IoError, type StoredDType, type StoredTensor } from '@dpar/io';
import { isSystemEntry, recoverFiles, recoverFilesIn, removeFolderAtomic } from '@dpar/io/node';
import { arrangeShards } from './arrange.js';
import { checkArguments } from './check-arguments.js';
import { type ItemRange, itemRangeKinds } from './ranges.js';
import { checkRun, partName, type ShardItems, type ShardRecord, shardRecord } from './record.js';
import type { ShardStore } from './run-sharded.js';
import { RunSettings, type Settings } from './settings.js';
import { openShard, type TensorShard, writeShard } from './shard.js';

/** Element type of each tensor of a part, and its shape without the first axis, which counts items. */
export type PartTypes = Readonly<Record<string, readonly [StoredDType, readonly number[]]>>;

/** Tensors of a part, by name, [count, ...]. */
export type PartTensors = Readonly<Record<string, HostTensor | StoredTensor>>;

/** Items of a part, with a row of each tensor for each of them. */
export interface PartContent extends ItemRange {
  /** Tensors by name, [count, ...]. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Format in which parts are stored. */
export interface PartFormat {
  /** Extension of the file with the record. */
  readonly extension: string;
  /** Writes a part, its record last. */
  write(path: string, tensors: ReadonlyMap<string, StoredTensor>, record: ShardRecord): Promise<void>;
  /** Opens a part; undefined if it is missing, or its record is damaged. */
  open(path: string): Promise<TensorShard | undefined>;
}

const safetensorsFormat: PartFormat = { extension: 'safetensors', write: writeShard, open: openShard };

/** Options of {@link PartFolder.open}. */
export interface PartFolderOptions {
  /** Number of the first item of the folder in its run (default: 0). */
  readonly first?: number;
  /** Items of the folder. */
  readonly count: number;
  /** Items of the run, of which other folders may keep some (default: `first + count`). */
  readonly total?: number;
  /** Items whose parts are read and checked (default: all). Of other parts only the records are read. */
  readonly ours?: ItemRange;
  /** Types of tensors that all parts have. A part may have further tensors. */
  readonly types: PartTypes;
  readonly settings: Settings;
  /** Path of the file with the settings, relative to the folder. */
  readonly settingsFile: string;
  /** Format of the parts (default: safetensors). */
  readonly format?: PartFormat;
}

const partFolderOptionsKinds: KindsOf<PartFolderOptions> = {
  'first?': 'number',
  count: 'number',
  'total?': 'number',
  'ours?': itemRangeKinds,
  types: 'object',
  settings: 'object',
  settingsFile: 'string',
  'format?': { extension: 'string', write: 'function', open: 'function', '*': 'any' },
};

/**
 * Folder with the finished parts of a run: `000016-000031.safetensors` holds items 16 to 31. Each part is a shard (see
 * {@link writeShard}) and is written atomically. The first part creates the folder.
 */
export class PartFolder implements ShardStore<PartTensors> {
  /** [count], 1 for items that a part contains. */
  readonly there: Uint8Array;
  private readonly damaged: ItemRange[] = [];
  private readonly parts: TensorShard[] = [];

  private constructor(
    private readonly folder: string,
    private readonly options: Required<PartFolderOptions>,
    private readonly settings: RunSettings,
  ) {
    this.there = new Uint8Array(options.count);
  }

  /**
   * Finds the parts of earlier runs. A damaged part counts as missing. Files that killed processes left incomplete are removed.
   *
   * @throws IoError if the folder or one of its parts was made with other settings, or the folder has other content.
   */
  static async open(folder: string, options: PartFolderOptions): Promise<PartFolder> {
    checkArguments('PartFolder.open', { folder, options }, { folder: 'string', options: partFolderOptionsKinds });

    const path = join(folder, options.settingsFile);
    const names = await readdir(folder).catch(() => []);
    const settings = await RunSettings.open(path, options.settings, `remove '${dirname(path)}' to start anew`);
    if (!settings.isThere && names.some((name) => !isSystemEntry(name))) {
      throw new IoError(
        `PartFolder: expected '${path}' of an earlier run, got a folder without it. Move '${folder}' away.`,
      );
    }
    const { first = 0, count, total = first + count, ours = { start: 0, count }, format = safetensorsFormat } = options;
    const parts = new PartFolder(folder, { ...options, first, total, ours, format }, settings);
    await parts.removePartial();
    for (const name of names.sort()) {
      const range = parts.rangeOf(name);
      if (range !== undefined && !parts.itemsThere(range).includes(1)) await parts.find(range);
    }
    return parts;
  }

  /** Keeps a finished part. @throws IoError for tensors whose data do not fit their shapes. */
  async add(range: ItemRange, tensors: PartTensors): Promise<void> {
    checkArguments('PartFolder.add', { range, tensors }, { range: itemRangeKinds, tensors: 'object' });

    await this.settings.write();
    const stored = new Map(
      Object.entries(tensors).map(([name, tensor]) => [name, 'bytes' in tensor ? tensor : fromHostTensor(tensor)]),
    );
    const path = this.pathOf(range);
    const record = await shardRecord(this.itemsOf(range), this.settings.settings, stored);
    await this.options.format.write(path, stored, record);
    this.list(range, await this.options.format.open(path));
  }

  /**
   * Checks that there are parts with all items.
   *
   * @param items Name of the items in the plural, such as `images`.
   * @throws IoError that names missing items and damaged parts.
   */
  checkWhole(items: string): void {
    checkArguments('PartFolder.checkWhole', { items }, { items: 'string' });

    const lost = this.damaged.filter((range) => this.itemsThere(range).includes(0));
    arrangeShards(this.parts, { items, damaged: lost.map((range) => this.pathOf(range)), total: this.options.total });
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
    for (const part of this.parts.sort((a, b) => a.record.first - b.record.first)) {
      signal?.throwIfAborted();
      const { first, count } = part.record;
      yield { start: first - this.options.first, count, tensors: await part.tensors() };
    }
  }

  /** Reads the row of an item of a tensor, without the first axis. @throws IoError if there is no part with the item. */
  async read(item: number, tensor: string): Promise<StoredTensor> {
    checkArguments('PartFolder.read', { item, tensor }, { item: 'number', tensor: 'string' });

    const number = this.options.first + item;
    const part = this.parts.find(({ record: { first, count } }) => first <= number && number < first + count);
    if (part === undefined) {
      throw new IoError(`PartFolder.read: expected an item of a finished part, got ${item}. Make its part first.`);
    }
    const { dtype, shape, bytes } = await part.read(tensor);
    const [start, length] = [number - part.record.first, bytes.length / part.record.count];
    return { dtype, shape: shape.slice(1), bytes: bytes.slice(start * length, (start + 1) * length) };
  }

  /** Removes all parts. Called when the output is complete. */
  async remove(): Promise<void> {
    await removeFolderAtomic(this.folder);
  }

  /** Removes what killed processes left incomplete, of all shares. */
  private async removePartial(): Promise<void> {
    await recoverFiles([this.folder]); // half removed
    for (const folder of new Set([this.folder, dirname(this.settings.path)])) await recoverFilesIn(folder);
  }

  private pathOf(range: ItemRange): string {
    return join(this.folder, `${partName(this.itemsOf(range))}.${this.options.format.extension}`);
  }

  private rangeOf(name: string): ItemRange | undefined {
    const [, from, to] = /^(\d{6,})-(\d{6,})\./.exec(name)?.map(Number) ?? [];
    if (from === undefined || to === undefined) return undefined;
    const range = { start: from - this.options.first, count: to - from + 1 };
    const fits = range.start >= 0 && range.count > 0 && range.start + range.count <= this.options.count;
    return fits && this.pathOf(range) === join(this.folder, name) ? range : undefined;
  }

  private itemsThere({ start, count }: ItemRange): Uint8Array {
    return this.there.subarray(start, start + count);
  }

  private itemsOf({ start, count }: ItemRange): ShardItems {
    return { first: this.options.first + start, count, total: this.options.total };
  }

  private list(range: ItemRange, part: TensorShard | undefined): void {
    if (part === undefined) this.damaged.push(range);
    else {
      this.parts.push(part);
      this.itemsThere(range).fill(1);
    }
  }

  /** Lists the part of an earlier run as complete or damaged. */
  private async find(range: ItemRange): Promise<void> {
    const part = await this.options.format.open(this.pathOf(range));
    if (part !== undefined) checkRun(this.settings, part);
    this.list(range, part && (await this.isWhole(range, part)) ? part : undefined);
  }

  private async isWhole(range: ItemRange, part: TensorShard): Promise<boolean> {
    const { first, count, total } = this.itemsOf(range);
    if (part.record.first !== first || part.record.count !== count || part.record.total !== total) return false;
    const { ours, types } = this.options;
    if (range.start >= ours.start + ours.count || range.start + range.count <= ours.start) return true;
    const tensors = await part.tensors().catch(() => undefined);
    if (tensors === undefined) return false;
    return Object.entries(types).every(([name, [dtype, shape]]) => {
      const tensor = tensors.get(name);
      return tensor?.dtype === dtype && `${tensor.shape}` === `${[count, ...shape]}`;
    });
  }
}
