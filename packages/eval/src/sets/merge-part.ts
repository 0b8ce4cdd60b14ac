import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readPngRecord, type StoredImageSet, sampleSettingsFile } from '@dpar/images/node';
import { openNpz, readJson } from '@dpar/io/node';
import { checkRun, checkShards, openNpzShard, type Settings, type Shard } from '@dpar/shards';
import { DparError } from '@dpar/tensor';

/** Neighbouring images of a set that are a shard of a run. */
interface ImageShard extends Shard {
  /** Number of the first image in its set. */
  readonly index: number;
}

/** A set to be merged. */
export interface MergePart {
  readonly set: StoredImageSet;
  /** Shards in the set, if it is part of a run. */
  readonly shards?: readonly ImageShard[];
  /** Damaged images of a run. */
  readonly damaged?: readonly string[];
  /** The label of each image, if the part has labels. */
  readonly labels?: (index: number) => bigint;
}

/** Neighbours in a part that are neighbours in the result. */
export interface PlacedImages {
  readonly part: MergePart;
  readonly first: number;
  readonly count: number;
}

/** Reads which images of a run a set holds, if it is part of one. @throws DparError if the set is damaged. */
export async function readMergePart(set: StoredImageSet): Promise<MergePart> {
  return set.path.endsWith('.npz') ? readBatch(set) : readFolder(set);
}

/** Each image in a folder with `sample.json` is a shard of a run. The images of a run have its classes in turn. */
async function readFolder(set: StoredImageSet): Promise<MergePart> {
  const path = join(set.path, sampleSettingsFile);
  const settings = (await readJson(path)) as Settings | undefined;
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
  for (const shard of shards) checkRun({ path, settings }, shard);
  // A prompt, `3+17`, counts as its first word.
  const classes = String(settings.classes ?? '')
    .match(/^\d+(\+\d+)*(,\d+(\+\d+)*)*$/)?.[0]
    .split(',')
    .map((label) => BigInt(label.split('+')[0] as string));
  const numberOf = (index: number): number => Number(/\d+/.exec(basename(set.nameOf(index)))?.[0]);
  return {
    set,
    shards,
    damaged,
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
    const shard = await openNpzShard(path);
    const isWhole = async (): Promise<boolean> => shard?.record.count === count && shard.isWhole();
    return {
      set,
      ...(shard && { shards: [{ ...shard, index: 0, isWhole }] }),
      ...(view && { labels: (index) => view.getBigInt64(8 * index, true) }),
    };
  } finally {
    await file.close();
  }
}

/**
 * Orders the images of parts by the records of their shards; parts without records follow one another as given.
 *
 * @param expected Number of images that there must be.
 * @throws IoError that names missing images, shards that overlap, damaged shards, or a shard of another run.
 */
export async function orderImages(
  parts: readonly MergePart[],
  expected: number | undefined,
): Promise<{ readonly total: number; readonly placed: readonly PlacedImages[] }> {
  if (parts.some(({ shards }) => shards === undefined)) {
    const total = parts.reduce((sum, { set }) => sum + set.count, 0);
    if (expected !== undefined && expected !== total) {
      throw new DparError(`mergeImages: expected ${expected} images, got ${total}. Add or leave out parts.`);
    }
    return { total, placed: parts.map((part) => ({ part, first: 0, count: part.set.count })) };
  }
  const shards = parts.flatMap((part) => (part.shards ?? []).map((shard) => ({ ...shard, part })));
  const damaged = parts.flatMap((part) => part.damaged ?? []);
  const placed: PlacedImages[] = [];
  const ordered = await checkShards(shards, { items: 'images', damaged, total: expected });
  for (const { part, index, record } of ordered) {
    const last = placed.at(-1);
    if (last?.part === part && last.first + last.count === index) {
      placed[placed.length - 1] = { ...last, count: last.count + record.count };
    } else placed.push({ part, first: index, count: record.count });
  }
  return { total: ordered[0]?.record.total ?? 0, placed };
}
