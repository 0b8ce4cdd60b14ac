import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { type ImageSet, imageKinds } from '@dpar/images';
import { checkImages, checkSameImages, writeImageList } from '@dpar/images/node';
import { type StoredTensor, toHostTensor } from '@dpar/io';
import { readJson, recoverFiles, removeFolderAtomic } from '@dpar/io/node';
import {
  type ItemRange,
  type PartContent,
  PartFolder,
  runSharded,
  type Settings,
  type Share,
  shareOf,
} from '@dpar/shards';
import { DparError, float32, type HostTensor } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import type { FeatureNetwork, ImageFeatures } from '../feature-network.js';
import { featureNetworkKinds } from '../feature-network.js';
import type { Matrix } from '../matrix.js';
import { defaultBatchSize, type ExtractOptions, extractOptionsKinds, featureBatches } from './feature-batches.js';
import { FeatureCollector, type FeatureOrigin, type FeatureSet, originOf } from './feature-set.js';

/** Name of the file with the settings of the features in a folder. */
export const featureSettingsFile = 'features.json';

/** Images in a part by default: some 10 MB of Inception's features, and seconds to minutes of work. */
export const defaultPartImages = 512;

/** Options of {@link extractParts}. */
export interface ExtractPartsOptions extends ExtractOptions {
  /** Share of the parts to compute (default: all). */
  readonly share?: Share | undefined;
  /** Images of a part. */
  readonly partImages?: number | undefined;
}

const extractPartsOptionsKinds: KindsOf<ExtractPartsOptions> = {
  'share?': { index: 'number', count: 'number', '*': 'any' },
  'partImages?': 'number',
  ...extractOptionsKinds,
};

/** Result of {@link extractParts}. */
export interface ExtractedParts {
  readonly parts: PartFolder;
  /** Images of the share. */
  readonly images: number;
  /** Images of the share whose features were computed now. */
  readonly extracted: number;
}

/**
 * Computes the features of a set in parts of (by default) 512 images, `000512-001023.safetensors` with `pool`,
 * `spatial` and `logits` float32, in a folder. The same call resumes after an interruption: complete parts are kept,
 * damaged ones are computed again. Batches never cross parts, so interruptions do not change the bytes. `images.jsonl`
 * lists the files of the images.
 *
 * @throws DparError that names all images that cannot be read, or the first that has changed since earlier work in the folder;
 * IoError if the folder has features of another network, resize or batch size; the signal's reason if it is aborted.
 */
export async function extractParts(
  folder: string,
  set: ImageSet,
  network: FeatureNetwork,
  options: ExtractPartsOptions = {},
): Promise<ExtractedParts> {
  checkArguments(
    'extractParts',
    { folder, set, network, options },
    { folder: 'string', set: imageKinds.set, network: featureNetworkKinds, 'options?': extractPartsOptionsKinds },
  );
  const { share = { index: 0, count: 1 }, partImages = defaultPartImages } = options;
  const { batchSize = defaultBatchSize, onProgress, signal } = options;
  const ours = shareOf(set.count, share, partImages);
  const settings = settingsOf(originOf(set, network), set.count, batchSize, partImages);
  await checkSameImages(folder, featureSettingsFile, set, `remove '${folder}' to start anew`);
  const parts = await openParts(folder, set.count, settings, ours);
  const extracted = await runSharded({
    store: {
      there: parts.there,
      async add(range, part: readonly ImageFeatures[]) {
        await parts.add(range, tensorsOf(part));
        await writeImageList(folder, set);
      },
    },
    ours,
    partSize: partImages,
    check: (missing) => checkImages(set, missing, { onCheck: options.onCheck, signal }),
    async *make({ run, report }) {
      let [part, rows, left]: [ImageFeatures[], number, number] = [[], 0, run.count];
      const range = { first: run.start, count: run.count, partSize: partImages };
      for await (const features of featureBatches(set, network, range, { batchSize, signal })) {
        part.push(features);
        rows += features.pool.rows;
        report(rows);
        if (rows < Math.min(partImages, left)) continue;
        yield part;
        left -= rows;
        [part, rows] = [[], 0];
      }
    },
    onProgress,
    signal,
  });
  return { parts, images: ours.count, extracted };
}

/**
 * Reads whether the parts in a folder, if there are any, are features of a set by a network.
 * @throws IoError if the settings are not a JSON object.
 */
export async function partsFit(folder: string, origin: FeatureOrigin): Promise<boolean> {
  const settings = await readJson(join(folder, featureSettingsFile));
  return settings === undefined || isOfOrigin(settings, origin);
}

/** Removes the parts that a killed process left of features that are complete. Parts of others stay. */
export async function removeParts(folder: string, origin: FeatureOrigin): Promise<void> {
  const settings = await readJson(join(folder, featureSettingsFile)).catch(() => undefined);
  if (settings !== undefined && isOfOrigin(settings, origin)) await removeFolderAtomic(folder);
  await recoverFiles([folder]);
}

const isOfOrigin = (settings: Readonly<Record<string, unknown>>, origin: FeatureOrigin): boolean =>
  settings.images === origin.imagesIdentity && settings.network_identity === origin.networkIdentity;

/** Opens the parts of N images. @param ours Images whose parts are checked (default: all). */
function openParts(folder: string, count: number, settings: Settings, ours?: ItemRange): Promise<PartFolder> {
  const settingsFile = featureSettingsFile;
  return PartFolder.open(folder, { count, types: {}, settings, settingsFile, ...(ours && { ours }) });
}

function settingsOf(origin: FeatureOrigin, count: number, batchSize: number, partImages: number): Settings {
  return {
    images: origin.imagesIdentity,
    count,
    network: origin.network,
    resize: origin.resize,
    network_identity: origin.networkIdentity,
    batch_size: batchSize,
    part_images: partImages,
  };
}

/** Joins the rows of batches, by the names of the tensors of a part. */
function tensorsOf(batches: readonly ImageFeatures[]): Record<string, HostTensor> {
  const tensors: Record<string, HostTensor> = {};
  for (const kind of ['pool', 'spatial', 'logits'] as const) {
    const matrices = batches.map((batch) => batch[kind]).filter((matrix) => matrix !== undefined);
    const [first] = matrices;
    if (first === undefined) continue;
    const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0);
    const tensor = float32([rows, first.columns]);
    let at = 0;
    for (const { data } of matrices) {
      tensor.data.set(data, at);
      at += data.length;
    }
    tensors[kind] = tensor;
  }
  return tensors;
}

/**
 * Reads the features of all parts.
 * @throws IoError that names missing images and damaged parts.
 */
export function collectParts(parts: PartFolder, folder: string, signal?: AbortSignal): Promise<FeatureSet> {
  checkArguments(
    'collectParts',
    { parts, folder, signal },
    { parts: 'object', folder: 'string', 'signal?': 'AbortSignal' },
  );

  parts.checkWhole('images');
  return collectFeatures(parts.contents(signal), parts.there.length, folder);
}

/**
 * Collects the features of N images from parts in the order of the images.
 * @param what Folder of the parts, for error messages.
 */
export async function collectFeatures(
  parts: AsyncIterable<Pick<PartContent, 'tensors'>>,
  count: number,
  what: string,
): Promise<FeatureSet> {
  checkArguments('collectFeatures', { parts, count, what }, { parts: 'object', count: 'number', what: 'string' });

  const collector = new FeatureCollector(count);
  for await (const part of parts) collector.add(featuresOf(part, what));
  return collector.finish();
}

function featuresOf({ tensors }: Pick<PartContent, 'tensors'>, folder: string): ImageFeatures {
  const matrix = (name: string): Matrix | undefined => {
    const stored = tensors.get(name);
    return stored && matrixOf(stored);
  };
  const [pool, spatial, logits] = ['pool', 'spatial', 'logits'].map(matrix);
  if (pool === undefined)
    throw new DparError(`collectFeatures: expected 'pool' in each part of '${folder}', got none.`);
  return { pool, ...(spatial && { spatial }), ...(logits && { logits }) };
}

function matrixOf(stored: StoredTensor): Matrix {
  const { shape, data } = toHostTensor(stored);
  const [rows = 0] = shape;
  return { data: Float32Array.from(data), rows, columns: data.length / rows };
}

/**
 * Reads a folder of features that {@link extractParts} wrote; undefined if there is no `features.json` in it.
 * @throws IoError that names missing images and damaged parts.
 */
export async function readFeatureFolder(
  folder: string,
): Promise<{ readonly features: FeatureSet; readonly origin: FeatureOrigin } | undefined> {
  checkArguments('readFeatureFolder', { folder }, { folder: 'string' });

  const path = join(folder, featureSettingsFile);
  const settings = await readJson(path);
  if (settings === undefined) return undefined;
  const { count, origin } = readFeatureSettings(settings, path);
  const features = await collectParts(await openParts(folder, count, settings as Settings), folder);
  return { features, origin };
}

/** Reads the number and origin of features from the settings of their folder. @throws DparError for other settings. */
export function readFeatureSettings(
  settings: Readonly<Record<string, unknown>>,
  path: string,
): { readonly count: number; readonly origin: FeatureOrigin } {
  checkArguments('readFeatureSettings', { settings, path }, { settings: 'object', path: 'string' });
  const { images, count, network, resize, network_identity: networkIdentity } = settings;
  const texts = { imagesIdentity: images, network, resize, networkIdentity };
  if (typeof count === 'number' && Object.values(texts).every((text) => typeof text === 'string')) {
    return { count, origin: texts as FeatureOrigin };
  }
  throw new DparError(
    `readFeatureSettings: expected 'count', 'images', 'network', 'resize' and 'network_identity' in '${path}', got ${Object.keys(settings).join(', ') || 'none of them'}. Make the features again.`,
  );
}
