import type { KindsOf } from '@dpar/check';
import { type ImageReading, imageReadingKinds, type RgbImage } from './image-set.js';
import type { Matrix } from './matrix.js';
import { matrixKinds } from './matrix.js';

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
