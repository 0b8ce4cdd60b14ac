import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type FeatureNetwork, featureNetworkKinds, type ImageFeatures } from '../feature-network.js';
import { type ImageSet, imageSetKinds, type RgbImage } from '../image-set.js';
import { type CheckOptions, checkImages } from './check-images.js';
import { FeatureCollector, type FeatureSet } from './feature-set.js';

/** How features are computed. */
export interface ExtractOptions extends CheckOptions {
  /** Images at a time, 32 by default. */
  readonly batchSize?: number | undefined;
  /** Told how many of all images are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Kinds of {@link ExtractOptions}. */
export const extractOptionsKinds: KindsOf<ExtractOptions> = {
  'batchSize?': 'number',
  'onProgress?': 'function',
  'signal?': 'AbortSignal',
  'onCheck?': 'function',
};

export const defaultBatchSize = 32;

/** Which images of a set, and how they are divided. */
export interface SetRange {
  readonly first: number;
  readonly count: number;
  /** No batch crosses a multiple of this many images from `first` on; by default they are divided by batches alone. */
  readonly partSize?: number;
}

/**
 * Features of some images of a set, batch by batch; the images are read as they are needed, in one go.
 *
 * @throws DparError if the network gives other rows than one an image; the signal's reason if it is aborted.
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
        'Use a network that gives a row for each image.',
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
 * Features of all images of a set, in memory; see {@link FeatureCollector}.
 *
 * @throws DparError that names all images that cannot be read, or if the network gives other rows than one an image; the signal's reason if it is aborted.
 */
export async function extractFeatures(
  set: ImageSet,
  network: FeatureNetwork,
  options: ExtractOptions = {},
): Promise<FeatureSet> {
  checkArguments(
    'extractFeatures',
    { set, network, options },
    { set: imageSetKinds, network: featureNetworkKinds, 'options?': extractOptionsKinds },
  );

  await checkImages(set, [{ start: 0, count: set.count }], { onCheck: options.onCheck, signal: options.signal });
  const collector = new FeatureCollector(set.count);
  let done = 0;
  for await (const features of featureBatches(set, network, { first: 0, count: set.count }, options)) {
    collector.add(features);
    done += features.pool.rows;
    options.onProgress?.(done, set.count);
  }
  return collector.finish();
}
