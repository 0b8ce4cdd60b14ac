import { type FeatureStatistics, featureStatistics, type Matrix } from '@dpar/eval';
import { type StoredTensor, toFloat64Array } from '@dpar/io';
import { readNpy, readNpz } from '@dpar/io/node';
import { CommandError } from './errors.js';

/** What a path holds for an evaluation. */
export interface EvaluationInput {
  /** Features [N, D], unless the file holds statistics only. */
  readonly features?: Matrix;
  readonly statistics: FeatureStatistics;
  /** Statistics of spatial features, for sFID. */
  readonly spatial?: FeatureStatistics;
}

/** Reads a matrix of numbers from an `.npy` file. @throws CommandError if the array has another rank. */
export async function readMatrix(path: string): Promise<Matrix> {
  const stored = await readNpy(path);
  const [rows = 0, columns = 0] = stored.shape;
  if (stored.shape.length !== 2) {
    throw new CommandError(
      `${path}: expected an array [N, D], got [${stored.shape.join(', ')}]. Write one row an image.`,
    );
  }
  return { data: toFloat64Array(stored), rows, columns };
}

/**
 * Reads features (`.npy`) or ADM's reference statistics (`.npz` with `mu` and `sigma`, and `mu_s` and `sigma_s`).
 * @throws CommandError if the path holds something else, such as images.
 */
export async function readEvaluationInput(path: string): Promise<EvaluationInput> {
  if (path.endsWith('.npy')) {
    const features = await readMatrix(path);
    return { features, statistics: featureStatistics(features) };
  }
  if (!path.endsWith('.npz')) {
    throw new CommandError(
      `${path}: expected features (.npy) or statistics (.npz), got another kind. Compute the features of the images first.`,
    );
  }
  const arrays = await readNpz(path);
  const statistics = gaussianOf(path, arrays.get('mu'), arrays.get('sigma'));
  if (statistics === undefined) {
    throw new CommandError(
      `${path}: expected the arrays mu and sigma, got ${[...arrays.keys()].join(', ')}. ` +
        'Compute the features of the images first and pass them as .npy.',
    );
  }
  const spatial = gaussianOf(path, arrays.get('mu_s'), arrays.get('sigma_s'));
  return spatial === undefined ? { statistics } : { statistics, spatial };
}

function gaussianOf(path: string, mean?: StoredTensor, covariance?: StoredTensor): FeatureStatistics | undefined {
  if (mean === undefined || covariance === undefined) return undefined;
  const [d] = mean.shape;
  if (mean.shape.length !== 1 || covariance.shape.length !== 2 || covariance.shape.some((size) => size !== d)) {
    throw new CommandError(
      `${path}: expected a mean [D] and a covariance [D, D], got [${mean.shape.join(', ')}] and ` +
        `[${covariance.shape.join(', ')}]. The file is no statistics.`,
    );
  }
  return { mean: toFloat64Array(mean), covariance: toFloat64Array(covariance) };
}
