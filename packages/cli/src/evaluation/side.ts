import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type FeatureNetwork,
  type FeatureStatistics,
  featureStatistics,
  type ImageInspection,
  type Matrix,
} from '@dpar/eval';
import {
  cachedFeatures,
  type EvaluationSet,
  extractFeatures,
  type FeatureOrigin,
  type FeatureSet,
  featureCachePath,
  findDamaged,
  originOf,
  partsFolder,
  type StoredImageSet,
} from '@dpar/eval/node';
import { makeFolder } from '@dpar/io/node';
import type { Context } from '../context.js';
import { CommandError } from '../errors.js';
import { soundImages, withImageCheck } from '../image-options.js';
import { interruptible } from './interruptible.js';

/** One of the two sets that are compared, as far as metrics need it. */
export interface EvaluationSide {
  readonly path: string;
  /** Number of images, if it is known. */
  readonly count?: number;
  /** [N, D] */
  readonly pool?: Matrix | undefined;
  /** [N, classes] */
  readonly logits?: Matrix | undefined;
  readonly statistics: FeatureStatistics;
  readonly spatial?: FeatureStatistics | undefined;
  readonly origin?: FeatureOrigin | undefined;
  /** Images whose features were computed now. */
  readonly extracted: number;
  /** Files that are no images. */
  readonly ignored: readonly string[];
  /** Images that cannot be read and were left out. */
  readonly skipped: readonly string[];
}

/** How features of images are computed and where they are kept. */
export interface CacheValues {
  readonly cacheFolder: string | undefined;
  readonly noCache: boolean;
  readonly batchSize: number;
  readonly skipDamaged: boolean;
}

/** Which of the two sets a side is. */
export type SideName = 'reference' | 'samples';

/** Whether features of the images of a set have to be computed before anything can be said. */
export function needsNetwork({ images, pool, statistics }: EvaluationSet): boolean {
  return images !== undefined && pool === undefined && statistics === undefined;
}

/**
 * Looks at the images of both sets before the features of either are computed, unless some are kept already: what cannot be
 * read is then found in one go. The sets that come back are not looked at again.
 * @throws CommandError that names all images of both sets that cannot be read.
 */
export async function checkSides<Sets extends readonly EvaluationSet[]>(
  sets: Sets,
  network: FeatureNetwork | undefined,
  { cacheFolder, noCache, skipDamaged }: CacheValues,
  context: Context,
): Promise<{ -readonly [I in keyof Sets]: EvaluationSet }> {
  const checked: EvaluationSet[] = [];
  const damaged: ImageInspection[] = [];
  let total = 0;
  for (const set of sets) {
    const { images, pool } = set;
    const isNew = (images: StoredImageSet, network: FeatureNetwork): boolean => {
      const kept = featureCachePath(images, network, cacheFolder);
      return noCache || !(existsSync(kept) || existsSync(partsFolder(kept)));
    };
    if (skipDamaged || images === undefined || pool || network === undefined || !isNew(images, network)) {
      checked.push(set);
      continue;
    }
    const found = await withImageCheck(images.path, network.reading ?? {}, context, (options) =>
      findDamaged(images, options),
    );
    damaged.push(...found);
    total += images.count;
    checked.push({ ...set, images: { ...images, inspect: undefined } });
  }
  if (damaged.length === 0) return checked as { -readonly [I in keyof Sets]: EvaluationSet };
  throw new CommandError(
    `expected images that can be read, got ${damaged.length} of ${total} that cannot: ` +
      `${damaged.map(({ name, damage }) => `'${name}' (${damage})`).join(', ')}. ` +
      'Replace them, or leave them out (--skip-damaged).',
  );
}

/**
 * Completes a set: features of its images are computed by the network, if there is one, or taken from the cache. Statistics
 * that a file has beside images are kept: ADM's are of more images than the file holds.
 */
export async function completeSide(
  name: SideName,
  path: string,
  set: EvaluationSet,
  network: FeatureNetwork | undefined,
  values: CacheValues,
  context: Context,
): Promise<EvaluationSide> {
  const { images, ...stored } = set;
  const ignored = images?.ignored ?? [];
  if (images === undefined || stored.pool !== undefined || network === undefined) {
    const { pool } = stored;
    const statistics = stored.statistics ?? (pool && featureStatistics(pool));
    if (statistics === undefined) throw new CommandError(`${path}: expected features or statistics, got none.`);
    const count = pool?.rows ?? statistics.count;
    return { ...stored, path, statistics, extracted: 0, ignored, skipped: [], ...(count !== undefined && { count }) };
  }
  const sound = await soundImages(images, values.skipDamaged, network.reading ?? {}, context);
  const found = sound?.set ?? images;
  const { features, extracted } = await featuresOf(name, found, network, values, context);
  const spatial = stored.statistics === undefined ? features.spatial : stored.spatial;
  return {
    ...{ path, count: found.count, pool: features.pool, extracted, ignored, origin: originOf(found, network) },
    skipped: sound?.skipped.map(({ name }) => name) ?? [],
    ...(features.logits && { logits: features.logits }),
    statistics: stored.statistics ?? features.statistics,
    ...(spatial && { spatial }),
  };
}

async function featuresOf(
  name: SideName,
  images: StoredImageSet,
  network: FeatureNetwork,
  { cacheFolder: folder, noCache, batchSize }: CacheValues,
  context: Context,
): Promise<{ features: FeatureSet; extracted: number }> {
  const kept = noCache ? undefined : featureCachePath(images, network, folder);
  if (kept !== undefined) await checkWritable(kept, folder);
  return interruptible({ label: name, images: images.count, kept }, context, (onProgress) =>
    withImageCheck(images.path, network.reading ?? {}, context, async (check) => {
      const options = { batchSize, onProgress, ...check };
      if (kept !== undefined) return cachedFeatures(images, network, { ...options, folder });
      return { features: await extractFeatures(images, network, options), extracted: images.count };
    }),
  );
}

/** Finds out before long work that its result can be kept. */
async function checkWritable(path: string, folder: string | undefined): Promise<void> {
  if (folder !== undefined) return makeFolder(folder);
  await access(dirname(path), constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(
      `expected to keep features in '${path}', got a place that cannot be written (${error.code}). ` +
        'Pass --cache-folder DIR for another, or --no-cache.',
    );
  });
}
