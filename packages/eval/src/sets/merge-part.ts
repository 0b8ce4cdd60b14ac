import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ChunkedTensor } from '@dpar/io';
import {
  type ArrayReader,
  contentDigest,
  type NamedShard,
  openNpz,
  parseShardRecord,
  readSettings,
  runDigest,
  type Settings,
  type ShardRecord,
} from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { sampleSettingsFile } from './list-folder.js';
import { readPngRecord } from './png-record.js';
import type { StoredImageSet } from './stored-image-set.js';

/** Name of the array of a batch that is a shard of a run, with its record as JSON in UTF-8. */
export const shardArray = 'shard';

/** Neighbouring images of a set that are a shard of a run. */
export interface ImageShard extends NamedShard {
  /** Number of the first image in its set. */
  readonly index: number;
  /** Whether the images and labels are those that the record tells, as far as that is not known yet. */
  isWhole(): Promise<boolean>;
}

/** A set to be merged. */
export interface MergePart {
  readonly set: StoredImageSet;
  /** What it holds of a run, if it is of one. */
  readonly shards?: readonly ImageShard[];
  /** Damaged images of a run. */
  readonly damaged?: readonly string[];
  /** The label of each image, if the part has labels. */
  readonly labels?: (index: number) => bigint;
}

/** Reads what a set says of itself as a part of a run. @throws DparError if that is damaged. */
export async function readMergePart(set: StoredImageSet): Promise<MergePart> {
  return set.path.endsWith('.npz') ? readBatch(set) : readFolder(set);
}

/** Images in a folder with `sample.json` are shards of a run, whose classes they have in turn. */
async function readFolder(set: StoredImageSet): Promise<MergePart> {
  const path = join(set.path, sampleSettingsFile);
  const settings = (await readSettings(path)) as Settings | undefined;
  if (settings === undefined) return { set };
  const shards: ImageShard[] = [];
  const damaged: string[] = [];
  for (let index = 0; index < set.count; index++) {
    const name = set.nameOf(index);
    if (!/^\d{6,}\.png$/.test(basename(name))) {
      throw new DparError(
        `mergeImages: expected images of dpar sample such as 000012.png beside '${path}', got '${name}'. Move it away.`,
      );
    }
    const record = await readFile(name).then(readPngRecord);
    if (record === undefined) damaged.push(name);
    else shards.push({ name, record: { ...record, settings }, index, isWhole: async () => true });
  }
  const run = runDigest(settings);
  const other = shards.find(({ record }) => record.run !== run);
  if (other !== undefined) {
    throw new DparError(
      `mergeImages: expected images of the run ${run} that '${path}' tells, got one of ${other.record.run} in ` +
        `'${other.name}'. Move it away.`,
    );
  }
  const classes = String(settings.classes ?? '')
    .match(/^\d+(,\d+)*$/)?.[0]
    .split(',')
    .map(BigInt);
  const numberOf = (index: number): number => Number(/\d+/.exec(basename(set.nameOf(index)))?.[0]);
  return {
    ...{ set, shards, damaged },
    ...(classes && { labels: (index) => classes[numberOf(index) % classes.length] as bigint }),
  };
}

async function readBatch(set: StoredImageSet): Promise<MergePart> {
  const { path, count } = set;
  const file = await openNpz(path);
  try {
    const labels = await file.arrays.get('arr_1')?.read();
    if (labels !== undefined && (labels.dtype !== 'I64' || labels.shape.join() !== String(count))) {
      throw new DparError(
        `mergeImages: expected labels I64[${count}] as arr_1 in '${path}', ` +
          `got ${labels.dtype}[${labels.shape.join(', ')}]. Write them again.`,
      );
    }
    const view = labels && new DataView(labels.bytes.buffer, labels.bytes.byteOffset, labels.bytes.length);
    const record = await readBatchRecord(path);
    const isWhole = async (): Promise<boolean> => record?.count === count && isWholeBatch(path, record);
    return {
      set,
      ...(record && { shards: [{ name: path, record, index: 0, isWhole }] }),
      ...(view && { labels: (index) => view.getBigInt64(8 * index, true) }),
    };
  } finally {
    await file.close();
  }
}

/** The record of a batch that is a shard; undefined for one without. @throws IoError if the file is damaged. */
export async function readBatchRecord(path: string): Promise<ShardRecord | undefined> {
  checkArguments('readBatchRecord', { path }, { path: 'string' });

  const file = await openNpz(path);
  try {
    const stored = await file.arrays.get(shardArray)?.read();
    return stored && parseShardRecord(`'${shardArray}' of '${path}'`, stored.bytes);
  } finally {
    await file.close();
  }
}

/** Whether a batch holds what its record tells. */
export async function isWholeBatch(path: string, shardRecord: ShardRecord): Promise<boolean> {
  checkArguments(
    'isWholeBatch',
    { path, shardRecord },
    { path: 'string', shardRecord: { run: 'string', digest: 'string', first: 'number', '*': 'any' } },
  );
  const { digest } = shardRecord;
  const file = await openNpz(path);
  try {
    const arrays = [...file.arrays].filter(([name]) => name !== shardArray);
    return digest === (await contentDigest(new Map(arrays.map(([name, array]) => [name, chunkedOf(array)]))));
  } catch {
    return false;
  } finally {
    await file.close();
  }
}

function chunkedOf({ type: { dtype, shape }, rows }: ArrayReader): ChunkedTensor {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const { bytes } of rows(0, shape[0] ?? 0)) yield bytes;
  }
  return { dtype, shape, chunks: chunks() };
}
