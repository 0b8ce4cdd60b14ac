import { arrangeShards } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import type { ImageShard, MergePart } from './merge-part.js';

/** Neighbours in a part that are neighbours in the result. */
export interface PlacedImages {
  readonly part: MergePart;
  readonly first: number;
  readonly count: number;
}

/**
 * The order in which the images of parts follow one another: as the records of shards tell, else as the parts are given.
 *
 * @param expected Number of images that there must be.
 * @throws IoError that names images that are missing or there twice, damaged shards and those of another run.
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
  const whole: (ImageShard & { readonly part: MergePart })[] = [];
  const damaged = parts.flatMap((part) => part.damaged ?? []);
  for (const part of parts) {
    for (const shard of part.shards ?? []) {
      if (await shard.isWhole()) whole.push({ ...shard, part });
      else damaged.push(shard.name);
    }
  }
  const total = expected === undefined ? {} : { total: expected };
  const ordered = arrangeShards(whole, { items: 'images', damaged, ...total });
  const placed: PlacedImages[] = [];
  for (const { part, index, record } of ordered) {
    const last = placed.at(-1);
    if (last?.part === part && last.first + last.count === index) {
      placed[placed.length - 1] = { ...last, count: last.count + record.count };
    } else placed.push({ part, first: index, count: record.count });
  }
  return { total: ordered[0]?.record.total ?? 0, placed };
}
