import { checkArguments } from '../check-arguments.js';
import type { FeatureNetwork } from '../feature-network.js';
import { featureNetworkKinds } from '../feature-network.js';
import type { ImageSet } from '../image-set.js';
import { imageSetKinds } from '../image-set.js';
import type { ExtractOptions } from './feature-batches.js';
import { extractOptionsKinds } from './feature-batches.js';
import { readFeatures, writeFeatures } from './feature-file.js';
import { collectParts, extractParts } from './feature-parts.js';
import { type FeatureOrigin, type FeatureSet, originOf } from './feature-set.js';

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
