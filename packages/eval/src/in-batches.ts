import { listOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type RgbImage, rgbImageKinds } from './image-set.js';
import type { Matrix } from './matrix.js';

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
