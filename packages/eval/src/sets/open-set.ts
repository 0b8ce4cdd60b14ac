import { stat } from 'node:fs/promises';
import { imageArray, isImageArray, openImageArray, openImageFolder, type StoredImageSet } from '@dpar/images/node';
import { openNpy, openNpz } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { checkStatistics } from '../covariance.js';
import type { Matrix } from '../matrix.js';
import { readFeatures, readMatrix, type StoredFeatures } from './feature-file.js';
import { readFeatureFolder } from './feature-parts.js';

/** Input of an evaluation: images, features or statistics, or several of them. */
export interface EvaluationSet extends StoredFeatures {
  readonly images?: StoredImageSet | undefined;
}

/**
 * Opens a path for an evaluation:
 * - a folder of images, or of features that `extractParts` wrote;
 * - `.npz`: images `arr_0` and statistics `mu`, `sigma`, `mu_s`, `sigma_s` of ADM's files (some have both), or features of
 *   `writeFeatures`;
 * - `.npy`: features [N, D], or images uint8 [N, H, W, 3].
 *
 * Images are read only for their identity. Features and statistics are read and checked.
 *
 * @throws DparError if the path holds none of these, or the features or statistics are invalid: see `readFeatures` and
 * `frechetDistance`.
 */
export async function openEvaluationSet(path: string): Promise<EvaluationSet> {
  checkArguments('openEvaluationSet', { path }, { path: 'string' });
  const status = await stat(path);
  if (status.isDirectory()) return openFolder(path);
  if (path.endsWith('.npy')) return openNpySet(path);
  if (path.endsWith('.npz')) return openNpzSet(path);
  throw new DparError(
    `openEvaluationSet: expected a folder of images, .npz or .npy, got '${path}'. Put the images into a folder.`,
  );
}

async function openFolder(path: string): Promise<EvaluationSet> {
  const features = await readFeatureFolder(path);
  if (features === undefined) return { images: await openImageFolder(path) };
  return { ...features.features, origin: features.origin };
}

async function openNpySet(path: string): Promise<EvaluationSet> {
  const array = await openNpy(path);
  try {
    if (isImageArray(array)) return { images: await openImageArray(path) };
    return { pool: await readMatrix(`'${path}'`, array) };
  } finally {
    await array.close();
  }
}

async function openNpzSet(path: string): Promise<EvaluationSet> {
  const file = await openNpz(path);
  const names = [...file.arrays.keys()];
  await file.close();
  const features = await readFeatures(path);
  for (const [ending, statistics] of Object.entries({ '': features.statistics, _s: features.spatial })) {
    if (statistics) checkStatistics(`openEvaluationSet (mu${ending} and sigma${ending} of '${path}')`, statistics);
  }
  const images = names.includes(imageArray) ? await openImageArray(path) : undefined;
  if (images === undefined && features.pool === undefined && features.statistics === undefined) {
    throw new DparError(
      `openEvaluationSet: expected images (arr_0), features (pool) or statistics (mu, sigma) in '${path}', ` +
        `got ${names.map((name) => `'${name}'`).join(', ') || 'nothing'}. ` +
        'Pass an ADM file, or features as .npy [N, D] or under the name pool.',
    );
  }
  return { ...features, images };
}

/** Reads a matrix [N, D], such as logits, from an `.npy` file. @throws DparError if the array has another rank. */
export async function readNpyMatrix(path: string): Promise<Matrix> {
  checkArguments('readNpyMatrix', { path }, { path: 'string' });
  const array = await openNpy(path);
  try {
    return await readMatrix(`'${path}'`, array);
  } finally {
    await array.close();
  }
}
