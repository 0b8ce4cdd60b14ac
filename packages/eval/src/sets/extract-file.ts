import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { type ImageSet, imageKinds } from '@dpar/images';
import type { StoredImageSet } from '@dpar/images/node';
import { recoverFiles, removeFolderAtomic } from '@dpar/io/node';
import { checkArguments } from '../check-arguments.js';
import { type FeatureNetwork, featureNetworkKinds } from '../feature-network.js';
import { type ExtractOptions, extractOptionsKinds } from './feature-batches.js';
import { readFeatures, writeFeatures } from './feature-file.js';
import { collectParts, extractParts, partsFit, removeParts } from './feature-parts.js';
import { type FeatureOrigin, type FeatureSet, originOf } from './feature-set.js';

/** Features that are kept in a file. */
export interface ExtractedFile {
  readonly features: FeatureSet;
  /** Number of images whose features were computed by this call. */
  readonly extracted: number;
}

/** Folder for the parts of a file of features until it is complete. */
export function partsFolder(path: string): string {
  checkArguments('partsFolder', { path }, { path: 'string' });
  return `${path}.partial`;
}

/**
 * Computes the features of a set and writes them to a file (see `writeFeatures`). If the file has them already, it is only read.
 * Finished parts are kept in `PATH.partial` until the file is complete. The same call therefore resumes interrupted work, and
 * writes the same bytes. A file of another set or network is replaced.
 *
 * @throws the errors of `extractParts`.
 */
export async function extractToFile(
  path: string,
  set: ImageSet,
  network: FeatureNetwork,
  options: ExtractOptions = {},
): Promise<ExtractedFile> {
  checkArguments(
    'extractToFile',
    { path, set, network, options },
    { path: 'string', set: imageKinds.set, network: featureNetworkKinds, 'options?': extractOptionsKinds },
  );
  await recoverFiles([path]);
  const there = await findFeatures(path, originOf(set, network));
  const folder = partsFolder(path);
  if (there !== undefined) {
    await removeParts(folder, originOf(set, network));
    return { features: there, extracted: 0 };
  }
  const { parts, extracted } = await extractParts(folder, set, network, options);
  const features = await collectParts(parts, folder, options.signal);
  await writeFeatures(path, features, originOf(set, network));
  await parts.remove();
  return { features, extracted };
}

/** Reads the features of a set by a network from a file. Undefined if it is missing, damaged, or of another origin. */
export async function findFeatures(path: string, origin: FeatureOrigin): Promise<FeatureSet | undefined> {
  const stored = await readFeatures(path).catch(() => undefined);
  const { pool, statistics, logits, spatial, origin: found } = stored ?? {};
  if (pool === undefined || statistics === undefined) return undefined;
  const same = found?.imagesIdentity === origin.imagesIdentity && found.networkIdentity === origin.networkIdentity;
  return same ? { pool, statistics, logits, spatial } : undefined;
}

/**
 * Path of the cached features of a set by a network: `<set>.features-<network>.npz` next to the set, or
 * `<set>-<place>.features-<network>.npz` in a folder of caches. `<network>` and `<place>` are digests of the network's identity
 * and the set's path.
 */
export function featureCachePath(set: StoredImageSet, network: FeatureNetwork, folder?: string): string {
  checkArguments(
    'featureCachePath',
    { set, network, folder },
    { set: imageKinds.storedSet, network: featureNetworkKinds, 'folder?': 'string' },
  );
  const place = resolve(set.path);
  const ending = `.features-${digits(network.identity)}.npz`;
  return folder === undefined ? place + ending : join(folder, `${basename(place)}-${digits(place)}${ending}`);
}

function digits(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/**
 * Reads the features of a set by a network from the cache, or computes them. The cache is the file of {@link featureCachePath}.
 * Features are computed again if the images, the network or its resize have changed, or the file is damaged. Interrupted work is
 * resumed.
 *
 * @param options `folder`: folder of caches. Default: next to the set.
 * @throws the errors of {@link extractToFile}; the signal's reason when it is aborted.
 */
export async function cachedFeatures(
  set: StoredImageSet,
  network: FeatureNetwork,
  options: ExtractOptions & { readonly folder?: string | undefined } = {},
): Promise<ExtractedFile & { readonly path: string }> {
  checkArguments(
    'cachedFeatures',
    { set, network, options },
    {
      set: imageKinds.storedSet,
      network: featureNetworkKinds,
      'options?': { ...extractOptionsKinds, 'folder?': 'string' },
    },
  );
  const { folder, ...settings } = options;
  const path = featureCachePath(set, network, folder);
  // Parts of an earlier state of the set are obsolete.
  const parts = partsFolder(path);
  if (!(await partsFit(parts, originOf(set, network)))) await removeFolderAtomic(parts);
  return { ...(await extractToFile(path, set, network, settings)), path };
}
