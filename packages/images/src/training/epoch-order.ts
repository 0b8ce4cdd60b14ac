import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { randomStream } from './random-stream.js';

/** Images in the order of training, with the epoch of each. */
export interface ImageVisits {
  /** int32 [count] */
  readonly images: Int32Array;
  /** int32 [count] */
  readonly epochs: Int32Array;
}

/** Options of {@link EpochOrder}. */
export interface EpochOrderOptions {
  /** False: all epochs have the images in their order. Default: true. */
  readonly shuffle?: boolean;
}

const epochOrderOptionsKinds: KindsOf<EpochOrderOptions> = { 'shuffle?': 'boolean' };

/**
 * Order of images in training: a function of the seed and the place only, so that a run can resume anywhere. Each epoch is a new
 * permutation of all images, and epochs follow one another without a gap.
 */
export class EpochOrder {
  private readonly permutations = new Map<number, Int32Array>();

  /**
   * @param images Number of images, N.
   * @throws DparError if the number is not a whole number above 0.
   */
  constructor(
    readonly images: number,
    readonly seed: number,
    private readonly options: EpochOrderOptions = {},
  ) {
    checkArguments(
      'EpochOrder',
      { images, seed, options },
      { images: 'number', seed: 'number', 'options?': epochOrderOptionsKinds },
    );
    if (Number.isInteger(images) && images > 0) return;
    throw new DparError(
      `EpochOrder: expected a whole number of images above 0, got ${images}. Pass the size of the set.`,
    );
  }

  /** Visits number `first` to `first + count - 1` of the sequence of all epochs. */
  visits(first: number, count: number): ImageVisits {
    checkArguments('EpochOrder.visits', { first, count }, { first: 'number', count: 'number' });
    const images = new Int32Array(count);
    const epochs = new Int32Array(count);
    for (let i = 0; i < count; ) {
      const epoch = Math.floor((first + i) / this.images);
      const start = first + i - epoch * this.images;
      const part = this.permutation(epoch).subarray(start, start + count - i);
      images.set(part, i);
      epochs.fill(epoch, i, i + part.length);
      i += part.length;
    }
    return { images, epochs };
  }

  /** Order of the images of an epoch, counted from 0: int32 [N]. */
  permutation(epoch: number): Int32Array {
    checkArguments('EpochOrder.permutation', { epoch }, { epoch: 'number' });
    const known = this.permutations.get(epoch) ?? this.orderOf(epoch);
    // Neighbours stay: a batch may contain the end of one epoch and the start of the next.
    for (const other of this.permutations.keys()) if (Math.abs(other - epoch) > 1) this.permutations.delete(other);
    this.permutations.set(epoch, known);
    return known;
  }

  private orderOf(epoch: number): Int32Array {
    if (this.options.shuffle === false) return Int32Array.from({ length: this.images }, (_, i) => i);
    return randomStream(this.seed, 'imageOrder', epoch).permutation(this.images);
  }
}
