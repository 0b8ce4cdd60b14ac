import type { KindsOf } from '@dpar/check';
import {
  type ChunkedTensor,
  formatStoredType,
  npzChunks,
  type StoredDType,
  type StoredTensor,
  toFloat64Array,
  toHostTensor,
} from '@dpar/io';
import { type ArrayReader, openNpz, parseJsonObject, writeFileAtomic } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import type { Matrix } from '../matrix.js';
import { type FeatureStatistics, featureStatisticsKinds } from '../statistics.js';
import { type FeatureOrigin, type FeatureSet, featureOriginKinds, featureSetKinds } from './feature-set.js';

/** Names of the arrays in a file. ADM's evaluator reads the statistics. */
const names = { pool: 'pool', logits: 'logits', origin: 'origin', mean: 'mu', covariance: 'sigma' } as const;

/** Element types of features. */
const floatTypes: readonly StoredDType[] = ['F16', 'BF16', 'F32', 'F64'];

/** Suffix of the names of spatial statistics. */
const spatialEnding = '_s';

/** Content of a file of features or statistics. */
export interface StoredFeatures {
  /** Pooled features [N, D]. */
  readonly pool?: Matrix | undefined;
  readonly logits?: Matrix | undefined;
  readonly statistics?: FeatureStatistics | undefined;
  readonly spatial?: FeatureStatistics | undefined;
  readonly origin?: FeatureOrigin | undefined;
}

/** Statistics of pool features and, for sFID, of spatial ones. */
export interface ReferenceStatistics {
  readonly statistics: FeatureStatistics;
  readonly spatial?: FeatureStatistics | undefined;
}

const referenceStatisticsKinds: KindsOf<ReferenceStatistics> = {
  statistics: featureStatisticsKinds,
  'spatial?': featureStatisticsKinds,
  '*': 'any',
};

function array(dtype: StoredDType, shape: readonly number[], data: ArrayBufferView): ChunkedTensor {
  return { dtype, shape, chunks: [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)] };
}

function matrixArray({ data, rows, columns }: Matrix): ChunkedTensor {
  return array(data instanceof Float32Array ? 'F32' : 'F64', [rows, columns], data);
}

function gaussianArrays({ mean, covariance }: FeatureStatistics, ending: string): Record<string, ChunkedTensor> {
  const d = mean.length;
  return {
    [names.mean + ending]: array('F64', [d], mean),
    [names.covariance + ending]: array('F64', [d, d], covariance),
  };
}

function statisticsArrays({ statistics, spatial }: ReferenceStatistics): Record<string, ChunkedTensor> {
  return { ...gaussianArrays(statistics, ''), ...(spatial && gaussianArrays(spatial, spatialEnding)) };
}

/**
 * Writes statistics for ADM's evaluator: an `.npz` file with `mu` [D], `sigma` [D, D], and `mu_s`, `sigma_s`, float64.
 *
 * @throws the error of the file system.
 */
export async function writeStatistics(path: string, statistics: ReferenceStatistics): Promise<void> {
  checkArguments('writeStatistics', { path, statistics }, { path: 'string', statistics: referenceStatisticsKinds });
  await writeFileAtomic(path, npzChunks(statisticsArrays(statistics)));
}

/**
 * Writes features and their statistics to an `.npz` file: float32 `pool` [N, D] and `logits` [N, classes], the arrays of
 * {@link writeStatistics}, and `origin` (JSON in UTF-8). The same features give the same bytes.
 * @throws the error of the file system.
 */
export async function writeFeatures(path: string, features: FeatureSet, origin: FeatureOrigin): Promise<void> {
  checkArguments(
    'writeFeatures',
    { path, features, origin },
    { path: 'string', features: featureSetKinds, origin: featureOriginKinds },
  );
  const { network, resize, networkIdentity, imagesIdentity } = origin; // a fixed order of keys
  const text = new TextEncoder().encode(JSON.stringify({ network, resize, networkIdentity, imagesIdentity }));
  const arrays = {
    [names.pool]: matrixArray(features.pool),
    ...(features.logits && { [names.logits]: matrixArray(features.logits) }),
    ...statisticsArrays(features),
    [names.origin]: array('U8', [text.length], text),
  };
  await writeFileAtomic(path, npzChunks(arrays));
}

/**
 * Reads the features and statistics in an `.npz` file of {@link writeFeatures} or of ADM.
 * @throws DparError if an array has an invalid shape, or the file is damaged.
 */
export async function readFeatures(path: string): Promise<StoredFeatures> {
  checkArguments('readFeatures', { path }, { path: 'string' });
  const file = await openNpz(path);
  try {
    const read = async (name: string): Promise<StoredTensor | undefined> => file.arrays.get(name)?.read();
    const origin = await readOrigin(path, file.arrays.get(names.origin));
    const matrix = async (name: string): Promise<Matrix | undefined> => {
      const reader = file.arrays.get(name);
      return reader && readMatrix(`'${name}' of '${path}'`, reader);
    };
    const [pool, logits] = [await matrix(names.pool), await matrix(names.logits)];
    const gaussian = async (ending: string): Promise<FeatureStatistics | undefined> =>
      gaussianOf(path, ending, pool?.rows, await read(names.mean + ending), await read(names.covariance + ending));
    const [statistics, spatial] = [await gaussian(''), await gaussian(spatialEnding)];
    checkTogether(path, pool, logits, statistics);
    return { pool, logits, statistics, spatial, origin };
  } finally {
    await file.close();
  }
}

/** @throws DparError if the arrays of a file are not of the same images and network. */
function checkTogether(path: string, pool?: Matrix, logits?: Matrix, statistics?: FeatureStatistics): void {
  if (pool === undefined) return;
  if (logits !== undefined && logits.rows !== pool.rows) {
    throw new DparError(
      `readFeatures: expected as many rows of '${names.logits}' as of '${names.pool}' in '${path}', got ${logits.rows} and ` +
        `${pool.rows}. Compute both for the same images.`,
    );
  }
  if (statistics !== undefined && statistics.mean.length !== pool.columns) {
    throw new DparError(
      `readFeatures: expected statistics of ${pool.columns} numbers, as '${names.pool}' has, in '${path}', got ` +
        `${statistics.mean.length}. Compute both with one network.`,
    );
  }
}

/**
 * Reads floating-point numbers [N, D] row by row. Float64 is kept, other types become float32.
 * @param what Name of the array, for error messages.
 * @throws DparError if the array is empty, has another rank or element type, or a number is not finite.
 */
export async function readMatrix(what: string, array: ArrayReader): Promise<Matrix> {
  const { shape, dtype } = array.type;
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2 || rows === 0 || columns === 0) {
    throw new DparError(
      `readMatrix: expected an array [N, D] in ${what}, got ${formatStoredType(array.type)}. Write a row per image` +
        `${dtype === 'U8' && shape.length > 2 ? ', or images as U8[N, H, W, 3]' : ''}.`,
    );
  }
  if (!floatTypes.includes(dtype)) {
    throw new DparError(
      `readMatrix: expected floating-point numbers in ${what}, got ${formatStoredType(array.type)}. Pass features or logits of a ` +
        'network, not labels, tokens or bytes. Convert features in whole numbers with astype(numpy.float32).',
    );
  }
  const data = dtype === 'F64' ? new Float64Array(rows * columns) : new Float32Array(rows * columns);
  let at = 0;
  for await (const piece of array.rows(0, rows)) {
    const values = dtype === 'F64' ? toFloat64Array(piece) : toHostTensor(piece, what).data;
    data.set(values, at);
    at += values.length;
  }
  const place = data.findIndex((value) => !Number.isFinite(value));
  if (place >= 0) {
    throw new DparError(
      `readMatrix: expected finite numbers in ${what}, got ${data[place]} in row ${Math.floor(place / columns)}. ` +
        'Compute that row again.',
    );
  }
  return { data, rows, columns };
}

function gaussianOf(
  path: string,
  ending: string,
  count: number | undefined,
  mean?: StoredTensor,
  covariance?: StoredTensor,
): FeatureStatistics | undefined {
  if (mean === undefined && covariance === undefined) return undefined;
  if (mean === undefined || covariance === undefined) {
    const [there, missing] = mean === undefined ? [names.covariance, names.mean] : [names.mean, names.covariance];
    throw new DparError(
      `readFeatures: expected ${there}${ending} and ${missing}${ending} together in '${path}', got no ${missing}${ending}. ` +
        'Write both.',
    );
  }
  const [d] = mean.shape;
  if (mean.shape.length !== 1 || covariance.shape.length !== 2 || covariance.shape.some((size) => size !== d)) {
    throw new DparError(
      `readFeatures: expected a mean [D] and a covariance [D, D] in '${path}', got [${mean.shape.join(', ')}] and ` +
        `[${covariance.shape.join(', ')}]. Pass a file of statistics.`,
    );
  }
  const both = { mean: toFloat64Array(mean), covariance: toFloat64Array(covariance) };
  return count === undefined ? both : { ...both, count };
}

async function readOrigin(path: string, array: ArrayReader | undefined): Promise<FeatureOrigin | undefined> {
  if (array === undefined) return undefined;
  const { bytes } = await array.read();
  const { network, resize, networkIdentity, imagesIdentity } = parseJsonObject(
    'readFeatures',
    `origin of '${path}'`,
    bytes,
  );
  const texts = { network, resize, networkIdentity, imagesIdentity };
  if (Object.values(texts).every((text) => typeof text === 'string')) return texts as FeatureOrigin;
  throw new DparError(
    `readFeatures: expected an origin of texts in '${path}', got ${JSON.stringify(texts)}. Extract the features again.`,
  );
}
