import { DparError } from '@dpar/tensor';
import { type Batch, takeImages } from './token-set.js';

/**
 * Cuts a batch into equal parts, each of consecutive images.
 * @throws DparError if its number of images is no multiple of the number of parts.
 */
export function splitBatch(batch: Batch, parts: number): Batch[] {
  const size = batch.images.length / parts;
  if (!Number.isInteger(size) || size === 0) {
    throw new DparError(
      `splitBatch: expected a batch size that ${parts} accumulation steps divide, got ${batch.images.length} images.`,
    );
  }
  if (parts === 1) return [batch];
  return Array.from({ length: parts }, (_, part) => {
    const places = Int32Array.from({ length: size }, (_, i) => part * size + i);
    return { ...takeImages(batch, places), images: batch.images.subarray(part * size, (part + 1) * size) };
  });
}
