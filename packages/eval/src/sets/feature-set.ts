import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import {
  type FeatureNetwork,
  featureNetworkKinds,
  type ImageFeatures,
  imageFeaturesKinds,
} from '../feature-network.js';
import { type ImageSet, imageSetKinds } from '../image-set.js';
import { type Matrix, matrixKinds } from '../matrix.js';
import { type FeatureStatistics, featureStatisticsKinds, StatisticsAccumulator } from '../statistics.js';

/** What features were computed with and of. */
export interface FeatureOrigin {
  /** Name of the feature network, for people. */
  readonly network: string;
  /** How images came to its size, for people. */
  readonly resize: string;
  /** Identity of the network with its resize. */
  readonly networkIdentity: string;
  /** Identity of the set of images. */
  readonly imagesIdentity: string;
}

/** Kinds of {@link FeatureOrigin}. */
export const featureOriginKinds: KindsOf<FeatureOrigin> = {
  network: 'string',
  resize: 'string',
  networkIdentity: 'string',
  imagesIdentity: 'string',
  '*': 'any',
};

/** Where the features of a set by a network come from. */
export function originOf(set: ImageSet, network: FeatureNetwork): FeatureOrigin {
  checkArguments('originOf', { set, network }, { set: imageSetKinds, network: featureNetworkKinds });

  const { name, resize, identity: networkIdentity } = network;
  return { network: name, resize, networkIdentity, imagesIdentity: set.identity };
}

/** Features of a set of images, as far as metrics need them. */
export interface FeatureSet {
  /** [N, D], float32 */
  readonly pool: Matrix;
  /** Class logits [N, classes], float32. */
  readonly logits?: Matrix;
  /** Of the pool features, accumulated in float64. */
  readonly statistics: FeatureStatistics;
  /** Of the spatial features, accumulated in float64. */
  readonly spatial?: FeatureStatistics;
}

/** Kinds of {@link FeatureSet}. */
export const featureSetKinds: KindsOf<FeatureSet> = {
  pool: matrixKinds,
  'logits?': matrixKinds,
  statistics: featureStatisticsKinds,
  'spatial?': featureStatisticsKinds,
  '*': 'any',
};

/** Rows that are added to statistics together, so that they do not depend on the pieces in which features arrive. */
const blockRows = 1024;

/**
 * Gathers the features of N images that arrive in pieces. Memory: N (D + classes) float32 numbers, and the statistics; spatial
 * features are kept as statistics alone. However the images are divided, the same features give the same bits.
 */
export class FeatureCollector {
  #rows = 0;
  #pool: Float32Array | undefined;
  #logits: Float32Array | undefined;
  #statistics: BlockStatistics | undefined;
  #spatial: BlockStatistics | undefined;

  /** @param count Number of images, N. */
  constructor(readonly count: number) {
    checkArguments('FeatureCollector', { count }, { count: 'number' });
  }

  /** @throws DparError if a piece is of another network, has more images than expected, or is not finite. */
  add(imageFeatures: ImageFeatures): void {
    checkArguments('FeatureCollector.add', { imageFeatures }, { imageFeatures: imageFeaturesKinds });
    const { pool, spatial, logits } = imageFeatures;
    const rows = pool.rows;
    this.#check(rows, spatial, logits);
    this.#statistics ??= new BlockStatistics(pool.columns);
    this.#pool ??= new Float32Array(this.count * pool.columns);
    this.#pool.set(pool.data, this.#rows * pool.columns);
    this.#statistics.add(pool);
    if (spatial !== undefined) {
      this.#spatial ??= new BlockStatistics(spatial.columns);
      this.#spatial.add(spatial);
    }
    if (logits !== undefined) {
      this.#logits ??= new Float32Array(this.count * logits.columns);
      this.#logits.set(logits.data, this.#rows * logits.columns);
    }
    this.#rows += rows;
  }

  /** @throws DparError if images are missing, or there is only one. */
  finish(): FeatureSet {
    const [pool, statistics] = [this.#pool, this.#statistics];
    if (pool === undefined || statistics === undefined || this.#rows !== this.count) {
      throw new DparError(
        `FeatureCollector: expected features of ${this.count} images, got ${this.#rows}. Compute the others too.`,
      );
    }
    const matrix = (data: Float32Array): Matrix => ({ data, rows: this.count, columns: data.length / this.count });
    return {
      pool: matrix(pool),
      ...(this.#logits && { logits: matrix(this.#logits) }),
      statistics: statistics.finish(),
      ...(this.#spatial && { spatial: this.#spatial.finish() }),
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
      `FeatureCollector: expected the same kinds of features for each of ${this.count} images, got others for ` +
        `${rows} from ${this.#rows} on. Use one network.`,
    );
  }
}

/** Statistics of rows that are added in blocks of one size. */
class BlockStatistics {
  readonly #accumulator: StatisticsAccumulator;
  readonly #block: Float32Array;
  #rows = 0;

  constructor(readonly columns: number) {
    this.#accumulator = new StatisticsAccumulator(columns);
    this.#block = new Float32Array(blockRows * columns);
  }

  add({ data, rows, columns }: Matrix): void {
    if (columns !== this.columns) {
      throw new DparError(`FeatureCollector: expected rows of ${this.columns}, got ${columns}. Use one network.`);
    }
    for (let first = 0; first < rows; ) {
      const taken = Math.min(rows - first, blockRows - this.#rows);
      this.#block.set(data.subarray(first * columns, (first + taken) * columns), this.#rows * columns);
      this.#rows += taken;
      first += taken;
      if (this.#rows === blockRows) this.#flush();
    }
  }

  finish(): FeatureStatistics {
    this.#flush();
    return this.#accumulator.finish();
  }

  #flush(): void {
    const { columns } = this;
    this.#accumulator.add({ data: this.#block.subarray(0, this.#rows * columns), rows: this.#rows, columns });
    this.#rows = 0;
  }
}
