import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type FeatureNetwork, type FeatureStatistics, featureStatistics, type Matrix } from '@dpar/eval';
import {
  cachedFeatures,
  type EvaluationSet,
  extractFeatures,
  type FeatureOrigin,
  type FeatureSet,
  featureCachePath,
  originOf,
  partsFolder,
} from '@dpar/eval/node';
import type { ImageInspection } from '@dpar/images';
import { findDamaged, type StoredImageSet } from '@dpar/images/node';
import { makeFolder } from '@dpar/io/node';
import type { Context } from '../command/command.js';
import { CommandError } from '../command/errors.js';
import { interruptible } from '../command/interruptible.js';
import { soundImages, withImageCheck } from '../images/options.js';

/** One of the two compared sets: all that the metrics need. */
export interface EvaluationSide {
  readonly path: string;
  /** Number of images, if known. */
  readonly count?: number;
  /** [N, D] */
  readonly pool?: Matrix | undefined;
  /** [N, classes] */
  readonly logits?: Matrix | undefined;
  readonly statistics: FeatureStatistics;
  readonly spatial?: FeatureStatistics | undefined;
  readonly origin?: FeatureOrigin | undefined;
  /** Number of images whose features were computed in this run. */
  readonly extracted: number;
  /** Files that are not images. */
  readonly ignored: readonly string[];
  /** Images that were left out because they cannot be read. */
  readonly skipped: readonly string[];
}

/** Options for computing and storing features. */
export interface CacheValues {
  readonly cacheFolder: string | undefined;
  readonly noCache: boolean;
  readonly batchSize: number;
  readonly skipDamaged: boolean;
}

/** Name of a side. */
export type SideName = 'reference' | 'samples';

/** True for a set that has only images, without features or statistics. */
export function needsNetwork({ images, pool, statistics }: EvaluationSet): boolean {
  return images !== undefined && pool === undefined && statistics === undefined;
}

/**
 * Checks the images of both sets before any features are computed, so that one error names all unreadable images. A set with
 * stored features is not checked. The returned sets are not checked again.
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
    `expected readable images, got ${damaged.length} of ${total} that cannot be read: ` +
      `${damaged.map(({ name, damage }) => `'${name}' (${damage})`).join(', ')}. ` +
      'Replace them, or pass --skip-damaged to leave them out.',
  );
}

/**
 * Completes a set with features of its images, from the network or from the cache.
 * Statistics in the file take precedence: those of ADM are of more images than the file holds.
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
    if (statistics === undefined)
      throw new CommandError(
        `${path}: expected features or statistics, got neither. Pass features, images with --features, or statistics.`,
      );
    const count = pool?.rows ?? statistics.count;
    return { ...stored, path, statistics, extracted: 0, ignored, skipped: [], ...(count !== undefined && { count }) };
  }
  const sound = await soundImages(images, values.skipDamaged, network.reading ?? {}, context);
  const found = sound?.set ?? images;
  const { features, extracted } = await featuresOf(name, found, network, values, context);
  const spatial = stored.statistics === undefined ? features.spatial : stored.spatial;
  return {
    path,
    count: found.count,
    pool: features.pool,
    extracted,
    ignored,
    origin: originOf(found, network),
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
  return interruptible(name, kept && partsFolder(kept), context, (onProgress) =>
    withImageCheck(images.path, network.reading ?? {}, context, async (check) => {
      const options = { batchSize, onProgress, ...check };
      if (kept !== undefined) return cachedFeatures(images, network, { ...options, folder });
      return { features: await extractFeatures(images, network, options), extracted: images.count };
    }),
  );
}

/** Checks before long work that its result can be stored. */
async function checkWritable(path: string, folder: string | undefined): Promise<void> {
  if (folder !== undefined) return makeFolder(folder);
  await access(dirname(path), constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(
      `expected a writable folder for the features '${path}', got ${error.code}. ` +
        'Pass another --cache-folder DIR, or --no-cache.',
    );
  });
}
