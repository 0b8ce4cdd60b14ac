import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { checkArguments } from '../check-arguments.js';
import { type FeatureNetwork, featureNetworkKinds } from '../feature-network.js';
import { type ImageSet, imageSetKinds } from '../image-set.js';
import { type ExtractOptions, extractOptionsKinds } from './feature-batches.js';
import { readFeatures, writeFeatures } from './feature-file.js';
import { collectParts, extractParts, partsFit } from './feature-parts.js';
import { type FeatureOrigin, type FeatureSet, originOf } from './feature-set.js';
import { type StoredImageSet, storedImageSetKinds } from './stored-image-set.js';

/** Features of a file. */
export interface ExtractedFile {
  readonly features: FeatureSet;
  /** Images whose features were computed now; the others were there. */
  readonly extracted: number;
}

/** Folder in which the parts of a file lie until it is whole. */
export function partsFolder(path: string): string {
  checkArguments('partsFolder', { path }, { path: 'string' });

  return `${path}.partial`;
}

/**
 * Computes the features of a set and writes them to a file (see `writeFeatures`). A file that has them is only read.
 * Until it is whole, finished parts are kept in `PATH.partial`: the same call goes on where an earlier one was killed, and
 * ends with the same bytes. A file of another set or network is replaced.
 *
 * @throws what `extractParts` throws.
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
    { path: 'string', set: imageSetKinds, network: featureNetworkKinds, 'options?': extractOptionsKinds },
  );

  const there = await findFeatures(path, originOf(set, network));
  if (there !== undefined) return { features: there, extracted: 0 };
  const folder = partsFolder(path);
  const { parts, extracted } = await extractParts(folder, set, network, options);
  const features = await collectParts(parts, folder, options.signal);
  await writeFeatures(path, features, originOf(set, network));
  await parts.remove();
  return { features, extracted };
}

/** Features that a file has of a set by a network; undefined if it is not there, damaged, or of others. */
export async function findFeatures(path: string, origin: FeatureOrigin): Promise<FeatureSet | undefined> {
  const stored = await readFeatures(path).catch(() => undefined);
  const { pool, statistics, logits, spatial, origin: found } = stored ?? {};
  if (pool === undefined || statistics === undefined) return undefined;
  const same = found?.imagesIdentity === origin.imagesIdentity && found.networkIdentity === origin.networkIdentity;
  return same ? { pool, statistics, ...(logits && { logits }), ...(spatial && { spatial }) } : undefined;
}

/**
 * Where the features of a set by a network are kept: beside the set as `<set>.features-<network>.npz`, or in a folder of
 * caches as `<set>-<place>.features-<network>.npz`, where `<network>` and `<place>` are 12 digits of digests of the
 * network's identity and of the set's path.
 */
export function featureCachePath(set: StoredImageSet, network: FeatureNetwork, folder?: string): string {
  checkArguments(
    'featureCachePath',
    { set, network, folder },
    { set: storedImageSetKinds, network: featureNetworkKinds, 'folder?': 'string' },
  );

  const place = resolve(set.path);
  const ending = `.features-${digits(network.identity)}.npz`;
  return folder === undefined ? place + ending : join(folder, `${basename(place)}-${digits(place)}${ending}`);
}

function digits(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/**
 * Features of a set by a network, computed at most once: kept in the file that {@link featureCachePath} names, and computed
 * again when the images, the network or its resize have changed since, or the file is damaged. Interrupted work goes on.
 *
 * @param options `folder`: the folder of caches; default: beside the set.
 * @throws DparError as {@link extractToFile}; the signal's reason when it is aborted.
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
      set: storedImageSetKinds,
      network: featureNetworkKinds,
      'options?': { ...extractOptionsKinds, 'folder?': 'string' },
    },
  );
  const { folder, ...settings } = options;
  const path = featureCachePath(set, network, folder);
  // Parts of what the set was before it changed are of no use to anybody.
  const parts = partsFolder(path);
  if (!(await partsFit(parts, originOf(set, network)))) await rm(parts, { recursive: true, force: true });
  return { ...(await extractToFile(path, set, network, settings)), path };
}
