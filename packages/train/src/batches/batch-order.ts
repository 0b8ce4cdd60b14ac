import type { KindsOf } from '@dpar/check';
import { createRandom, DparError, type Random } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Purposes of random numbers. Each has its own streams, so that none depends on another. */
const purposes = { imageOrder: 1, batchOrder: 2, classDropout: 3, imageVariant: 4, dropout: 5 } as const;

/** Random numbers of a purpose in an epoch, window or step: a function of these and the seed only. */
export function randomStream(seed: number, purpose: keyof typeof purposes, index: number): Random {
  return createRandom(seed, purposes[purpose], index);
}

/** What {@link BatchOrder} arranges. */
export interface BatchOrderOptions {
  /** Images of the set, N. */
  readonly images: number;
  /** Images of a batch, B. */
  readonly batchSize: number;
  readonly seed: number;
  /** Variants of each image, V (default 1): one is drawn at each visit. */
  readonly variants?: number | undefined;
  /**
   * [N * V], patches of each image in each of its variants, those of an image together: batches are then made of images
   * with similar numbers.
   */
  readonly patchCounts?: ArrayLike<number> | undefined;
  /** Batches that are sorted together (default 32); 1 groups nothing. */
  readonly windowBatches?: number | undefined;
}

const batchOrderOptionsKinds: KindsOf<BatchOrderOptions> = {
  images: 'number',
  batchSize: 'number',
  seed: 'number',
  'variants?': 'number',
  'patchCounts?': 'number[]',
  'windowBatches?': 'number',
};

const defaultWindow = 32;

/** Images and which variant is taken of each. B images. */
export interface Visits {
  /** int32 [B] */
  readonly images: Int32Array;
  /** int32 [B] */
  readonly variants: Int32Array;
}

/**
 * Which images each training step sees: a function of the seed and the step alone, so that a run can start anywhere.
 *
 * Each epoch is a new permutation of all images, and the epochs follow one another without a gap: a batch may end one
 * and start the next. Where patch counts are given, the sequence is cut into windows of some batches; inside a window
 * images are sorted by patch count and cut into batches, which are then shuffled. So padding is small, each epoch still
 * has each image exactly once, and each image is equally likely at each step of its epoch: the expected gradient of a
 * step is that of ungrouped batches. What grows is the variance between steps, since images of a batch are alike in
 * this one respect.
 *
 * Which variant of an image is seen is a function of seed, epoch and image; each variant is equally likely. It is drawn
 * before images are grouped, so that grouping has no part in it.
 */
export class BatchOrder {
  private window: { readonly index: number; readonly batches: readonly Visits[] } | undefined;
  private readonly epochs = new Map<number, Int32Array>();

  /** @throws DparError if there are no images or a size is not a whole number above 0. */
  constructor(private readonly options: BatchOrderOptions) {
    checkArguments('BatchOrder', { options }, { options: batchOrderOptionsKinds });

    const { images, batchSize, windowBatches = defaultWindow, variants = 1, patchCounts } = options;
    if (![images, batchSize, windowBatches, variants].every((size) => Number.isInteger(size) && size > 0)) {
      const got = JSON.stringify({ images, batchSize, windowBatches, variants });
      throw new DparError(`BatchOrder: expected images, batchSize, windowBatches and variants above 0, got ${got}.`);
    }
    if (patchCounts !== undefined && patchCounts.length !== images * variants) {
      const each = variants === 1 ? `${images} images` : `${images} images in ${variants} variants`;
      throw new DparError(`BatchOrder: expected a patch count for each of ${each}, got ${patchCounts.length}.`);
    }
  }

  /** The images of the batch at a step (from 0): int32 [B]. */
  at(step: number): Int32Array {
    checkArguments('BatchOrder.at', { step }, { step: 'number' });

    return this.visitsAt(step).images;
  }

  /** The images of the batch at a step (from 0) and their variants. */
  visitsAt(step: number): Visits {
    checkArguments('BatchOrder.visitsAt', { step }, { step: 'number' });

    const size = this.options.windowBatches ?? defaultWindow;
    const index = Math.floor(step / size);
    if (this.window?.index !== index) this.window = { index, batches: this.batchesOfWindow(index, size) };
    return this.window.batches[step - index * size] as Visits;
  }

  /** Epoch of the first image of a step, counted from 0. */
  epochOf(step: number): number {
    checkArguments('BatchOrder.epochOf', { step }, { step: 'number' });

    return Math.floor((step * this.options.batchSize) / this.options.images);
  }

  private batchesOfWindow(window: number, windowBatches: number): Visits[] {
    const { batchSize, patchCounts, variants: V = 1, seed } = this.options;
    const count = windowBatches * batchSize;
    const visits = this.sequence(window * count, count);
    const places = Int32Array.from({ length: count }, (_, i) => i);
    if (patchCounts !== undefined) {
      const { images, variants } = visits;
      const countAt = (i: number) => patchCounts[(images[i] as number) * V + (variants[i] as number)] as number;
      places.sort((a, b) => countAt(a) - countAt(b));
    }
    const batches = Array.from({ length: windowBatches }, (_, i) =>
      take(visits, places.subarray(i * batchSize, (i + 1) * batchSize)),
    );
    if (patchCounts === undefined) return batches;
    const order = randomStream(seed, 'batchOrder', window).permutation(windowBatches);
    return Array.from(order, (i) => batches[i] as Visits);
  }

  /** `count` images from a place in the sequence of all epochs, with the variants that these epochs draw. */
  private sequence(first: number, count: number): Visits {
    const { images: N, variants: V = 1, seed } = this.options;
    const images = new Int32Array(count);
    const variants = new Int32Array(count);
    for (let i = 0; i < count; ) {
      const epoch = Math.floor((first + i) / N);
      const start = first + i - epoch * N;
      const part = this.permutation(epoch).subarray(start, start + count - i);
      images.set(part, i);
      if (V > 1) {
        const random = randomStream(seed, 'imageVariant', epoch);
        part.forEach((image, j) => {
          random.position = image;
          variants[i + j] = random.integer(V);
        });
      }
      i += part.length;
    }
    return { images, variants };
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

function take({ images, variants }: Visits, places: Int32Array): Visits {
  return {
    images: places.map((i) => images[i] as number),
    variants: places.map((i) => variants[i] as number),
  };
}
