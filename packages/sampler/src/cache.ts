import { masked } from '@dpar/nn';
import { type DeviceTensor, DparError, float32, type HostTensor, type Tensors } from '@dpar/tensor';

/** Size of the caches of one transformer. */
export interface CacheSize {
  readonly layers: number;
  /** Sequences C. */
  readonly rows: number;
  /** Heads H. */
  readonly heads: number;
  /** Maximum number of positions of a sequence. */
  readonly positions: number;
  readonly headDim: number;
}

/** Neighbouring sequences of a cache. */
export interface RowRange {
  readonly first: number;
  readonly count: number;
}

/** Keys and values to append, each [R, layers, H, S, headDim], or with more rows. */
export interface NewPositions<T> {
  readonly keys: T;
  readonly values: T;
}

/** Divisor of the positions that a step reads. The mask hides the empty ones, 16 on average. */
const stride = 32;

/** Name of the keys or values of a block among the inputs of a step. */
export function cacheName(part: 'keys' | 'values', layer: number): string {
  return `${part}.${layer}`;
}

/**
 * Keys and values of all blocks of one transformer. Each sequence has its own length. A step reads the positions of the
 * longest one up to a multiple of 32, and a mask hides those that a sequence lacks.
 * @template T Tensors that it takes and gives: those of the host, or those of an engine's memory.
 */
export abstract class StackCache<T extends HostTensor | DeviceTensor = HostTensor | DeviceTensor> {
  /** True if keys and values are in the memory of an engine. */
  abstract readonly isOnDevice: boolean;
  /** Written positions of each row. */
  readonly lengths: Int32Array;
  /** Current room L for positions in the tensors. */
  protected room: number;
  /** First visible position of each row. */
  private readonly starts: Int32Array;

  constructor(
    readonly size: CacheSize,
    /** Masks of all rows, [C, L]. */
    private readonly masks: Float32Array,
  ) {
    this.lengths = new Int32Array(size.rows);
    this.starts = new Int32Array(size.rows);
    this.room = Math.min(stride, size.positions);
    masks.fill(masked);
  }

  /**
   * Inputs of a step: `keys.0`, `values.0`, `keys.1`, ... each [C, H, L, headDim], and `mask`, [C, 1, 1, L]. They are valid
   * until the next `append` or `clear`.
   * @param range Rows C to read, from {@link StackCache.rangeOf}; by default all.
   */
  abstract inputs(range?: RowRange): Tensors<HostTensor | T>;

  /** The range of rows that a step over some ascending rows reads. */
  abstract rangeOf(rows: Int32Array): RowRange;

  /**
   * Appends keys and values of the same number of positions S to some rows.
   * @param rows Cached row of each of the R rows.
   * @param positions S
   * @throws DparError if a row is full.
   */
  abstract append(added: NewPositions<T>, rows: ArrayLike<number>, positions?: number): Promise<void>;

  /** Frees memory of an engine. */
  abstract dispose(): void;

  /** Moves the sequences in memory, so that there is room for more or fewer positions. */
  protected abstract resize(room: number): void;

  /** Room of a cache of which less is needed. */
  protected abstract roomToKeep(needed: number): number;

  /** Hides the positions of a row before `start`. */
  hideBefore(row: number, start: number): void {
    this.starts[row] = start;
    this.show(row);
  }

  /** Empties some rows. */
  clear(rows: ArrayLike<number>): void {
    for (let i = 0; i < rows.length; i++) {
      this.lengths[rows[i] as number] = 0;
      this.starts[rows[i] as number] = 0;
      this.show(rows[i] as number);
    }
    this.setRoom(this.roomToKeep(this.roomFor(this.lengths.reduce((most, length) => Math.max(most, length), 0))));
  }

  /** Room that rows need with more positions: at least that of now. @throws DparError if a row is full. */
  protected roomWith(rows: ArrayLike<number>, positions: number): number {
    let longest = 0;
    for (let i = 0; i < rows.length; i++) longest = Math.max(longest, this.lengths[rows[i] as number] as number);
    const most = this.size.positions;
    if (longest + positions > most) {
      throw new DparError(
        `StackCache.append: expected at most ${most} positions, got ${longest + positions}. Create a larger cache.`,
      );
    }
    return Math.max(this.room, this.roomFor(longest + positions));
  }

  protected setRoom(room: number): void {
    if (room === this.room) return;
    this.resize(room);
    this.room = room;
    for (let row = 0; row < this.size.rows; row++) this.show(row);
  }

  /** Counts new positions of some rows, and shows them. */
  protected advance(rows: ArrayLike<number>, positions: number): void {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      this.lengths[row] = (this.lengths[row] as number) + positions;
      this.show(row);
    }
  }

  protected maskOf({ first, count }: RowRange): HostTensor {
    return float32([count, 1, 1, this.room], this.masks.subarray(first * this.room, (first + count) * this.room));
  }

  /** Room for a number of positions: a multiple of the stride, or the maximum. */
  private roomFor(positions: number): number {
    return Math.min(this.size.positions, Math.max(1, Math.ceil(positions / stride)) * stride);
  }

  /** Writes the mask of a row. */
  private show(row: number): void {
    const mask = this.masks.subarray(row * this.room, (row + 1) * this.room);
    mask.fill(masked);
    mask.fill(0, this.starts[row], this.lengths[row]);
  }
}
