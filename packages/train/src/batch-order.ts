import { DparError } from '@dpar/tensor';
import { randomStream } from './random-streams.js';

/** What {@link BatchOrder} arranges. */
export interface BatchOrderOptions {
  /** Images of the set, N. */
  readonly images: number;
  /** Images of a batch, B. */
  readonly batchSize: number;
  readonly seed: number;
  /** [N], patches of each image: batches are then made of images with similar numbers. */
  readonly patchCounts?: ArrayLike<number> | undefined;
  /** Batches that are sorted together (default 32); 1 groups nothing. */
  readonly windowBatches?: number | undefined;
}

const defaultWindow = 32;

/**
 * Which images each training step sees: a function of the seed and the step alone, so that a run can start anywhere.
 *
 * Each epoch is a new permutation of all images, and the epochs follow one another without a gap: a batch may end one
 * and start the next. Where patch counts are given, the sequence is cut into windows of some batches; inside a window
 * images are sorted by patch count and cut into batches, which are then shuffled. So padding is small, each epoch still
 * has each image exactly once, and each image is equally likely at each step of its epoch: the expected gradient of a
 * step is that of ungrouped batches. What grows is the variance between steps, since images of a batch are alike in
 * this one respect.
 */
export class BatchOrder {
  private window: { readonly index: number; readonly batches: readonly Int32Array[] } | undefined;
  private readonly epochs = new Map<number, Int32Array>();

  /** @throws DparError if there are no images or a size is not a whole number above 0. */
  constructor(private readonly options: BatchOrderOptions) {
    const { images, batchSize, windowBatches = defaultWindow, patchCounts } = options;
    if (![images, batchSize, windowBatches].every((size) => Number.isInteger(size) && size > 0)) {
      const got = JSON.stringify({ images, batchSize, windowBatches });
      throw new DparError(`BatchOrder: expected images, batchSize and windowBatches above 0, got ${got}.`);
    }
    if (patchCounts !== undefined && patchCounts.length !== images) {
      throw new DparError(
        `BatchOrder: expected a patch count for each of ${images} images, got ${patchCounts.length}.`,
      );
    }
  }

  /** The images of the batch at a step (from 0): int32 [B]. */
  at(step: number): Int32Array {
    const size = this.options.windowBatches ?? defaultWindow;
    const index = Math.floor(step / size);
    if (this.window?.index !== index) this.window = { index, batches: this.batchesOfWindow(index, size) };
    return this.window.batches[step - index * size] as Int32Array;
  }

  /** Epoch of the first image of a step, counted from 0. */
  epochOf(step: number): number {
    return Math.floor((step * this.options.batchSize) / this.options.images);
  }

  private batchesOfWindow(window: number, windowBatches: number): Int32Array[] {
    const { batchSize, patchCounts, seed } = this.options;
    const count = windowBatches * batchSize;
    const images = this.sequence(window * count, count);
    if (patchCounts !== undefined) images.sort((a, b) => (patchCounts[a] as number) - (patchCounts[b] as number));
    const batches = Array.from({ length: windowBatches }, (_, i) => images.slice(i * batchSize, (i + 1) * batchSize));
    if (patchCounts === undefined) return batches;
    const order = randomStream(seed, 'batchOrder', window).permutation(windowBatches);
    return Array.from(order, (i) => batches[i] as Int32Array);
  }

  /** `count` images from a place in the sequence of all epochs. */
  private sequence(first: number, count: number): Int32Array {
    const { images: N } = this.options;
    const result = new Int32Array(count);
    for (let i = 0; i < count; ) {
      const epoch = Math.floor((first + i) / N);
      const start = first + i - epoch * N;
      const part = this.permutation(epoch).subarray(start, start + count - i);
      result.set(part, i);
      i += part.length;
    }
    return result;
  }

  private permutation(epoch: number): Int32Array {
    const known =
      this.epochs.get(epoch) ?? randomStream(this.options.seed, 'imageOrder', epoch).permutation(this.options.images);
    // Two are enough for a window that crosses into the next epoch.
    for (const other of this.epochs.keys()) if (Math.abs(other - epoch) > 1) this.epochs.delete(other);
    this.epochs.set(epoch, known);
    return known;
  }
}
