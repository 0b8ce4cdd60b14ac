import { type KindsOf, listOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type ImageReading, imageReadingKinds, type RgbImage, rgbImageKinds } from './image-set.js';
import { type Matrix, matrixKinds } from './matrix.js';

/** What a feature network says of images, a row for each. */
export interface ImageFeatures {
  /** Features that FID, KID, precision and recall are of, [N, D]. */
  readonly pool: Matrix;
  /** Features that keep places, which sFID is of, [N, S]. */
  readonly spatial?: Matrix;
  /** Class logits before softmax, which the Inception Score is of, [N, classes]. */
  readonly logits?: Matrix;
}

/** Kinds of {@link ImageFeatures}. */
export const imageFeaturesKinds: KindsOf<ImageFeatures> = {
  pool: matrixKinds,
  'spatial?': matrixKinds,
  'logits?': matrixKinds,
  '*': 'any',
};

/** Turns images into features. Figures can be compared only between features of one network and one resize. */
export interface FeatureNetwork {
  /** For people, such as `Inception-v3 of pytorch-fid`. */
  readonly name: string;
  /** For people: how images come to the network's size, and what that is comparable to. */
  readonly resize: string;
  /** How image files become RGB for it. Default: upright, transparency dropped. */
  readonly reading?: ImageReading;
  /** Differs where the weights, the resize or the reading differ: what caches of features are found by. */
  readonly identity: string;
  /**
   * Features of some images, of any sizes.
   * @throws DparError if an image cannot be resized.
   */
  extract(images: readonly RgbImage[]): Promise<ImageFeatures>;
  /** Frees what was compiled. */
  dispose(): Promise<void>;
}

/** Kinds of {@link FeatureNetwork}. */
export const featureNetworkKinds: KindsOf<FeatureNetwork> = {
  name: 'string',
  resize: 'string',
  identity: 'string',
  extract: 'function',
  dispose: 'function',
  'reading?': imageReadingKinds,
  '*': 'any',
};

/** Rows of features of some images, by the name of the feature. */
export type FeatureRows = Readonly<Record<string, Float32Array>>;

/**
 * Features of images, batch after batch, put together.
 *
 * @param compute The rows of a batch: for each feature, as many numbers as images times the feature's length.
 * @returns [N, D] of each feature; nothing for no images.
 * @throws DparError if there are no images, and what `compute` throws.
 */
export async function inBatches(
  images: readonly RgbImage[],
  batchSize: number,
  compute: (batch: readonly RgbImage[]) => Promise<FeatureRows>,
): Promise<Record<string, Matrix>> {
  checkArguments('extract', { images }, { images: listOf(rgbImageKinds) });
  if (images.length === 0) {
    throw new DparError('extract: expected at least one image, got none. Leave out the call, or add images.');
  }
  const features: Record<string, Matrix> = {};
  for (let first = 0; first < images.length; first += batchSize) {
    const batch = images.slice(first, first + batchSize);
    for (const [name, rows] of Object.entries(await compute(batch))) {
      const columns = rows.length / batch.length;
      features[name] ??= { data: new Float32Array(images.length * columns), rows: images.length, columns };
      features[name].data.set(rows, first * columns);
    }
  }
  return features;
}

/** @throws DparError if it is not a whole number >= 1. */
export function checkBatchSize(caller: string, batchSize: number): void {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new DparError(
      `${caller}: expected a batch size that is a whole number >= 1, got ${batchSize}. Pass one, such as 8.`,
    );
  }
}

/**
 * SHA-256 in 64 hexadecimal digits, in Node and in browsers.
 * @throws DparError without Web Crypto, which browsers have on secure pages only.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto ?? {};
  if (subtle === undefined) {
    throw new DparError('sha256: expected Web Crypto, got none. Serve the page by https or from localhost.');
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
