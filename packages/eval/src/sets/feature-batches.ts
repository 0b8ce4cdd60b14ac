import type { KindsOf } from '@dpar/check';
import { type ImageSet, imageKinds, type RgbImage } from '@dpar/images';
import { type CheckOptions, checkImages } from '@dpar/images/node';
import type { OnShardProgress } from '@dpar/shards';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type FeatureNetwork, featureNetworkKinds, type ImageFeatures } from '../feature-network.js';
import { FeatureCollector, type FeatureSet } from './feature-set.js';

/** Options of the computation of features. */
export interface ExtractOptions extends CheckOptions {
  /** Images per batch. Default: 32. */
  readonly batchSize?: number | undefined;
  readonly onProgress?: OnShardProgress | undefined;
}

export const extractOptionsKinds: KindsOf<ExtractOptions> = {
  'batchSize?': 'number',
  'onProgress?': 'function',
  'signal?': 'AbortSignal',
  'onCheck?': 'function',
};

export const defaultBatchSize = 32;

/** Range of images in a set, with their division. */
export interface SetRange {
  readonly first: number;
  readonly count: number;
  /** Images per part, counted from `first`. No batch crosses parts. Default: one part. */
  readonly partSize?: number;
}

/**
 * Computes features of a range of a set batch by batch. The images are read on demand, in one pass.
 *
 * @throws DparError if the network does not return a row per image; the signal's reason if it is aborted.
 */
export async function* featureBatches(
  set: ImageSet,
  network: FeatureNetwork,
  { first, count, partSize = Number.POSITIVE_INFINITY }: SetRange,
  { batchSize = defaultBatchSize, signal }: Pick<ExtractOptions, 'batchSize' | 'signal'>,
): AsyncGenerator<ImageFeatures> {
  const extract = async (images: readonly RgbImage[]): Promise<ImageFeatures> => {
    const features = await network.extract(images);
    if (features.pool.rows === images.length) return features;
    throw new DparError(
      `featureBatches: expected features of ${images.length} images of ${network.name}, got ${features.pool.rows} rows. ` +
        'Use a network that returns a row per image.',
    );
  };
  let images: RgbImage[] = [];
  let taken = 0;
  for await (const image of set.read(first, count, network.reading ?? {})) {
    signal?.throwIfAborted();
    images.push(image);
    taken++;
    if (images.length < batchSize && taken % partSize !== 0) continue;
    yield await extract(images);
    images = [];
  }
  signal?.throwIfAborted();
  if (images.length > 0) yield await extract(images);
}

/**
 * Computes the features of all images of a set in memory; see {@link FeatureCollector}.
 *
 * @throws DparError that names all images that cannot be read, or if the network does not return a row per image; the signal's
 * reason if it is aborted.
 */
export async function extractFeatures(
  set: ImageSet,
  network: FeatureNetwork,
  options: ExtractOptions = {},
): Promise<FeatureSet> {
  checkArguments(
    'extractFeatures',
    { set, network, options },
    { set: imageKinds.set, network: featureNetworkKinds, 'options?': extractOptionsKinds },
  );
  await checkImages(set, [{ start: 0, count: set.count }], { onCheck: options.onCheck, signal: options.signal });
  const collector = new FeatureCollector(set.count);
  let done = 0;
  for await (const features of featureBatches(set, network, { first: 0, count: set.count }, options)) {
    collector.add(features);
    done += features.pool.rows;
    options.onProgress?.(done, set.count, 0);
  }
  return collector.finish();
}
