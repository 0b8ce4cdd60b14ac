import { type KindsOf, listOf } from '@dpar/check';
import { type ImageReading, imageKinds, type RgbImage } from '@dpar/images';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type Matrix, matrixKinds } from './matrix.js';

/** Features of N images, a row for each. */
export interface ImageFeatures {
  /** Pooled features [N, D], for FID, KID, precision and recall. */
  readonly pool: Matrix;
  /** Features that keep positions [N, S], for sFID. */
  readonly spatial?: Matrix | undefined;
  /** Class logits before softmax [N, classes], for the Inception Score. */
  readonly logits?: Matrix | undefined;
}

export const imageFeaturesKinds: KindsOf<ImageFeatures> = {
  pool: matrixKinds,
  'spatial?': matrixKinds,
  'logits?': matrixKinds,
  '*': 'any',
};

/** A network that turns images into features. Compare metrics only between features of the same network and resize. */
export interface FeatureNetwork {
  /** Display name, such as `Inception-v3 of pytorch-fid`. */
  readonly name: string;
  /** Description of the resize, with the evaluators that it matches. */
  readonly resize: string;
  /** Conversion of image files to RGB. Default: upright, transparency dropped. */
  readonly reading?: ImageReading;
  /** Key of cached features: differs if the weights, the resize or the reading differ. */
  readonly identity: string;
  /**
   * Computes features of images of any sizes.
   * @throws DparError if an image cannot be resized.
   */
  extract(images: readonly RgbImage[]): Promise<ImageFeatures>;
  /** Frees compiled graphs. */
  dispose(): Promise<void>;
}

export const featureNetworkKinds: KindsOf<FeatureNetwork> = {
  name: 'string',
  resize: 'string',
  identity: 'string',
  extract: 'function',
  dispose: 'function',
  'reading?': imageKinds.reading,
  '*': 'any',
};

/** Rows of features of a batch, by the name of the feature. */
export type FeatureRows = { readonly [F in keyof ImageFeatures]: Float32Array };

/**
 * Computes features batch by batch.
 *
 * @param compute Rows of a batch: for each feature, as many numbers as images times the feature's length.
 * @throws DparError if there are no images, and the errors of `compute`.
 */
export async function inBatches(
  images: readonly RgbImage[],
  batchSize: number,
  compute: (batch: readonly RgbImage[]) => Promise<FeatureRows>,
): Promise<ImageFeatures> {
  checkArguments('extract', { images }, { images: listOf(imageKinds.image) });
  if (images.length === 0) {
    throw new DparError('extract: expected at least one image, got none. Pass images.');
  }
  const features: Partial<Record<keyof ImageFeatures, Matrix>> = {};
  for (let first = 0; first < images.length; first += batchSize) {
    const batch = images.slice(first, first + batchSize);
    for (const [name, rows] of Object.entries(await compute(batch)) as [keyof ImageFeatures, Float32Array][]) {
      const columns = rows.length / batch.length;
      features[name] ??= { data: new Float32Array(images.length * columns), rows: images.length, columns };
      features[name].data.set(rows, first * columns);
    }
  }
  return features as ImageFeatures;
}

/** @throws DparError if the batch size is not a whole number >= 1. */
export function checkBatchSize(caller: string, batchSize: number): void {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new DparError(
      `${caller}: expected a batch size that is a whole number >= 1, got ${batchSize}. Pass a number such as 8.`,
    );
  }
}

/**
 * SHA-256 in 64 hexadecimal digits, in Node and in browsers.
 * @throws DparError without Web Crypto, which browsers offer only on secure pages.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto ?? {};
  if (subtle === undefined) {
    throw new DparError('sha256: expected Web Crypto, got none. Serve the page over https or from localhost.');
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
