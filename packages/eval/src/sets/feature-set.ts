import type { KindsOf } from '@dpar/check';
import { type ImageSet, imageKinds } from '@dpar/images';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import {
  type FeatureNetwork,
  featureNetworkKinds,
  type ImageFeatures,
  imageFeaturesKinds,
} from '../feature-network.js';
import { type Matrix, matrixKinds } from '../matrix.js';
import { type FeatureStatistics, featureStatisticsKinds, StatisticsAccumulator } from '../statistics.js';

/** Source of features: the network and the images. */
export interface FeatureOrigin {
  /** Display name of the feature network. */
  readonly network: string;
  /** Description of the resize. */
  readonly resize: string;
  /** Identity of the network with its resize. */
  readonly networkIdentity: string;
  /** Identity of the set of images. */
  readonly imagesIdentity: string;
}

export const featureOriginKinds: KindsOf<FeatureOrigin> = {
  network: 'string',
  resize: 'string',
  networkIdentity: 'string',
  imagesIdentity: 'string',
  '*': 'any',
};

/** Origin of the features of a set by a network. */
export function originOf(set: ImageSet, network: FeatureNetwork): FeatureOrigin {
  checkArguments('originOf', { set, network }, { set: imageKinds.set, network: featureNetworkKinds });
  const { name, resize, identity: networkIdentity } = network;
  return { network: name, resize, networkIdentity, imagesIdentity: set.identity };
}

/** Features of a set of images, as metrics need them. */
export interface FeatureSet {
  /** [N, D], float32 */
  readonly pool: Matrix;
  /** Class logits [N, classes], float32. */
  readonly logits?: Matrix | undefined;
  /** Statistics of the pool features, accumulated in float64. */
  readonly statistics: FeatureStatistics;
  /** Statistics of the spatial features, accumulated in float64. */
  readonly spatial?: FeatureStatistics | undefined;
}

export const featureSetKinds: KindsOf<FeatureSet> = {
  pool: matrixKinds,
  'logits?': matrixKinds,
  statistics: featureStatisticsKinds,
  'spatial?': featureStatisticsKinds,
  '*': 'any',
};

/**
 * Collects the features of N images that arrive in pieces. The same features give the same bits, however they are divided
 * into pieces. Spatial features are only kept as statistics. Memory: N (D + classes) float32 numbers and the statistics.
 */
export class FeatureCollector {
  #rows = 0;
  #pool: Float32Array | undefined;
  #logits: Float32Array | undefined;
  #statistics: StatisticsAccumulator | undefined;
  #spatial: StatisticsAccumulator | undefined;

  /** @param count Number of images, N. */
  constructor(readonly count: number) {
    checkArguments('FeatureCollector', { count }, { count: 'number' });
  }

  /**
   * Adds the features of the next images.
   * @throws DparError if they are of another network or not finite, or there are more images than expected.
   */
  add(imageFeatures: ImageFeatures): void {
    checkArguments('FeatureCollector.add', { imageFeatures }, { imageFeatures: imageFeaturesKinds });
    const { pool, spatial, logits } = imageFeatures;
    const rows = pool.rows;
    this.#check(rows, spatial, logits);
    this.#statistics ??= new StatisticsAccumulator(pool.columns);
    this.#pool ??= new Float32Array(this.count * pool.columns);
    this.#pool.set(pool.data, this.#rows * pool.columns);
    this.#statistics.add(pool);
    if (spatial !== undefined) {
      this.#spatial ??= new StatisticsAccumulator(spatial.columns);
      this.#spatial.add(spatial);
    }
    if (logits !== undefined) {
      this.#logits ??= new Float32Array(this.count * logits.columns);
      this.#logits.set(logits.data, this.#rows * logits.columns);
    }
    this.#rows += rows;
  }

  /** Features of all images. @throws DparError if images are missing, or there is only one. */
  finish(): FeatureSet {
    const [pool, statistics] = [this.#pool, this.#statistics];
    if (pool === undefined || statistics === undefined || this.#rows !== this.count) {
      throw new DparError(
        `FeatureCollector: expected features of ${this.count} images, got those of ${this.#rows}. Add the missing ones.`,
      );
    }
    const matrix = (data: Float32Array): Matrix => ({ data, rows: this.count, columns: data.length / this.count });
    return {
      pool: matrix(pool),
      logits: this.#logits && matrix(this.#logits),
      statistics: statistics.finish(),
      spatial: this.#spatial?.finish(),
    };
  }

  #check(rows: number, spatial: Matrix | undefined, logits: Matrix | undefined): void {
    const known = this.#rows > 0;
    const fits =
      rows <= this.count - this.#rows &&
      (spatial?.rows ?? rows) === rows &&
      (logits?.rows ?? rows) === rows &&
      !(known && (spatial !== undefined) !== (this.#spatial !== undefined)) &&
      !(known && (logits !== undefined) !== (this.#logits !== undefined));
    if (fits) return;
    throw new DparError(
      `FeatureCollector: expected rows of the same features for each of ${this.count} images, got ${rows} of pool, ` +
        `${spatial?.rows ?? 0} of spatial and ${logits?.rows ?? 0} of logits from image ${this.#rows}. Use one network.`,
    );
  }
}
