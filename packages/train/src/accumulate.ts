import { DparError, float32, type HostTensor, type HostTensorOf, type Tensors } from '@dpar/tensor';
import { type Batch, takeImages } from './token-set.js';

/**
 * Cuts a batch into equal parts, each of consecutive images.
 * @throws DparError if it has not as many images as parts, or a multiple.
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

/** Sums of gradients over several passes, in memory that is allocated once. */
export class GradientSum {
  private sum: Record<string, HostTensorOf<'float32'>> | undefined;

  /** Starts with these gradients, or adds them. @returns The sums, overwritten by later calls. */
  add(gradients: Tensors<HostTensor>, start: boolean): Tensors<HostTensor> {
    this.sum ??= Object.fromEntries(Object.entries(gradients).map(([name, { shape }]) => [name, float32(shape)]));
    for (const [name, { data }] of Object.entries(this.sum)) {
      const more = (gradients[name] as HostTensor).data as Float32Array;
      if (start) data.set(more);
      else for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) + (more[i] as number);
    }
    return this.sum;
  }
}
