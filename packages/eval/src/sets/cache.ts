import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { checkArguments } from '../check-arguments.js';
import type { FeatureNetwork } from '../feature-network.js';
import { featureNetworkKinds } from '../feature-network.js';
import { type ExtractedFile, extractToFile, partsFolder } from './extract-file.js';
import { type ExtractOptions, extractOptionsKinds } from './feature-batches.js';
import { partsFit } from './feature-parts.js';
import { originOf } from './feature-set.js';
import type { StoredImageSet } from './stored-image-set.js';
import { storedImageSetKinds } from './stored-image-set.js';

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
