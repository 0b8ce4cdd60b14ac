import type { KindsOf } from '@dpar/check';
import { EpochOrder } from '@dpar/images';
import { createRandom, DparError, type Random } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Purposes of random numbers. Each has its own streams, so that none depends on another. `@dpar/images` has 1 and 6. */
const purposes = { batchOrder: 2, classDropout: 3, imageVariant: 4, dropout: 5, codes: 7, tokenNoise: 8 } as const;

/** Random numbers of a purpose in an epoch, window or step: a function of these and the seed only. */
export function randomStream(seed: number, purpose: keyof typeof purposes, index: number): Random {
  return createRandom(seed, purposes[purpose], index);
}

/** Options of {@link BatchOrder}. */
export interface BatchOrderOptions {
  /** Images of the set, N. */
  readonly images: number;
  /** Images of a batch, B. */
  readonly batchSize: number;
  readonly seed: number;
  /** Variants of each image, V (default 1). Each visit draws one. */
  readonly variants?: number | undefined;
  /**
   * Patches of each image in each of its variants, [N * V], those of an image together. With them, images of a batch have
   * similar patch counts.
   */
  readonly patchCounts?: ArrayLike<number> | undefined;
  /** Number of batches that are sorted together (default 32); 1 turns grouping off. */
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

/** B images, with one variant of each. */
export interface Visits {
  /** int32 [B] */
  readonly images: Int32Array;
  /** int32 [B] */
  readonly variants: Int32Array;
}

/**
 * Order of images in training: a function of the seed and the step only, so that a run can resume at any step.
 *
 * Each epoch is a new permutation of all images. Epochs follow one another without a gap, so a batch may contain the end of
 * one and the start of the next.
 *
 * With patch counts, the sequence is cut into windows of several batches. Images of a window are sorted by patch count and
 * cut into batches, and the batches are shuffled. This keeps padding small, and each epoch still has each image exactly
 * once. Each image is equally likely at each step of its epoch, so the expected gradient is that of ungrouped batches. The
 * variance between steps is larger, because images of a batch have similar patch counts.
 *
 * The variant of an image is a function of seed, epoch and image, with equal probabilities. It is drawn before images are
 * grouped.
 */
export class BatchOrder {
  private window: { readonly index: number; readonly batches: readonly Visits[] } | undefined;
  private readonly order: EpochOrder;

  /** @throws DparError if a size is not a whole number above 0, or the patch counts do not fit. */
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
    this.order = new EpochOrder(images, options.seed);
  }

  /** Images of the batch at a step (from 0): int32 [B]. */
  at(step: number): Int32Array {
    checkArguments('BatchOrder.at', { step }, { step: 'number' });

    return this.visitsAt(step).images;
  }

  /** Images of the batch at a step (from 0), and their variants. */
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

  /** Visits number `first` to `first + count - 1` of the sequence of all epochs. */
  private sequence(first: number, count: number): Visits {
    const { variants: V = 1, seed } = this.options;
    const { images, epochs } = this.order.visits(first, count);
    const variants = new Int32Array(count);
    for (let i = 0; V > 1 && i < count; ) {
      const epoch = epochs[i] as number;
      const random = randomStream(seed, 'imageVariant', epoch);
      for (; epochs[i] === epoch; i++) {
        random.position = images[i] as number;
        variants[i] = random.integer(V);
      }
    }
    return { images, variants };
  }
}

function take({ images, variants }: Visits, places: Int32Array): Visits {
  return {
    images: places.map((i) => images[i] as number),
    variants: places.map((i) => variants[i] as number),
  };
}
