import { masked } from '@dpar/nn';
import { DparError, float32, type HostTensor } from '@dpar/tensor';

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

/** Options of {@link StackCache}. */
export interface CacheOptions {
  /** True for memory that an engine in another thread reads without a copy of each step's caches. Default: false. */
  readonly shared?: boolean;
}

/** Neighbouring sequences of a cache. */
export interface RowRange {
  readonly first: number;
  readonly count: number;
}

/** Divisor of the positions that a step reads. The mask hides the empty ones, 16 on average. */
const stride = 32;

/**
 * Keys and values of all blocks of one transformer, in host memory that is allocated once. Each sequence has its own
 * length. A step reads the positions of the longest one up to a multiple of 32, and a mask hides those that a sequence
 * lacks. When a multiple is full, the sequences move apart in the same memory. The memory of a step then stays contiguous.
 */
export class StackCache {
  /** Written positions of each row. */
  readonly lengths: Int32Array;
  /** Memory of each tensor: keys and values of block 0, then of block 1, ... */
  private readonly memory: readonly Float32Array[];
  /** Masks of all rows, [C, L]. */
  private readonly masks: Float32Array;
  /** First visible position of each row. */
  private readonly starts: Int32Array;
  /** Current room L for positions in the tensors. */
  private room: number;
  /** Inputs by range of rows, as long as the room stays the same. */
  private readonly views = new Map<string, Readonly<Record<string, HostTensor>>>();

  constructor(
    readonly size: CacheSize,
    { shared = false }: CacheOptions = {},
  ) {
    const allocate = (length: number): Float32Array =>
      shared
        ? new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT))
        : new Float32Array(length);
    const { layers, rows, heads, positions, headDim } = size;
    this.lengths = new Int32Array(rows);
    this.starts = new Int32Array(rows);
    this.memory = Array.from({ length: 2 * layers }, () => allocate(rows * heads * positions * headDim));
    this.masks = allocate(rows * positions).fill(masked);
    this.room = Math.min(stride, positions);
  }

  /**
   * Inputs of a step: `keys.0`, `values.0`, `keys.1`, ... each [C, H, L, headDim], and `mask`, [C, 1, 1, L]. They are valid
   * until the next `append` or `clear`.
   * @param range Rows C to read; by default all.
   */
  inputs({ first, count }: RowRange = { first: 0, count: this.size.rows }): Readonly<Record<string, HostTensor>> {
    const key = `${first} ${count}`;
    const known = this.views.get(key);
    if (known !== undefined) return known;
    const { heads, headDim } = this.size;
    const length = heads * this.room * headDim;
    const view: Record<string, HostTensor> = {
      mask: float32([count, 1, 1, this.room], this.masks.subarray(first * this.room, (first + count) * this.room)),
    };
    this.memory.forEach((memory, part) => {
      const name = `${part % 2 === 0 ? 'keys' : 'values'}.${Math.floor(part / 2)}`;
      const data = memory.subarray(first * length, (first + count) * length);
      view[name] = float32([count, heads, this.room, headDim], data);
    });
    this.views.set(key, view);
    return view;
  }

  /**
   * Appends keys and values of the same number of positions S to some rows.
   * @param added Each [R, layers, H, S, headDim], or with more rows.
   * @param rows Cached row of each of the R rows.
   * @param positions S
   * @throws DparError if a row is full.
   */
  append(added: readonly [keys: Float32Array, values: Float32Array], rows: ArrayLike<number>, positions = 1): void {
    const { layers, heads, positions: most, headDim } = this.size;
    let longest = 0;
    for (let i = 0; i < rows.length; i++) longest = Math.max(longest, this.lengths[rows[i] as number] as number);
    if (longest + positions > most) {
      throw new DparError(
        `StackCache.append: expected at most ${most} positions, got ${longest + positions}. Create a larger cache.`,
      );
    }
    this.resize(Math.max(this.room, this.roomFor(longest + positions)));
    const length = positions * headDim;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      const position = this.lengths[row] as number;
      for (let part = 0; part < 2 * layers; part++) {
        const memory = this.memory[part] as Float32Array;
        const source = added[part % 2] as Float32Array;
        for (let head = 0; head < heads; head++) {
          const from = ((i * layers + (part >> 1)) * heads + head) * length;
          const to = ((row * heads + head) * this.room + position) * headDim;
          // A loop is faster than a view and its copy for so few elements.
          for (let j = 0; j < length; j++) memory[to + j] = source[from + j] as number;
        }
      }
      this.lengths[row] = position + positions;
      this.show(row);
    }
  }

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
    this.resize(this.roomFor(this.lengths.reduce((most, length) => Math.max(most, length), 0)));
  }

  /** Room for a number of positions: a multiple of the stride, or the maximum. */
  private roomFor(positions: number): number {
    return Math.min(this.size.positions, Math.max(1, Math.ceil(positions / stride)) * stride);
  }

  /** Changes the room for positions. Moves the sequences of all heads apart, the last first, or together. */
  private resize(room: number): void {
    const { rows, heads, headDim } = this.size;
    const before = this.room;
    if (room === before) return;
    this.room = room;
    this.views.clear();
    const count = rows * heads;
    const kept = Math.min(before, room) * headDim;
    for (const memory of this.memory) {
      for (let i = 1; i < count; i++) {
        const sequence = room > before ? count - i : i;
        const from = sequence * before * headDim;
        memory.copyWithin(sequence * room * headDim, from, from + kept);
      }
    }
    for (let row = 0; row < rows; row++) this.show(row);
  }

  /** Writes the mask of a row. */
  private show(row: number): void {
    const mask = this.masks.subarray(row * this.room, (row + 1) * this.room);
    mask.fill(masked);
    mask.fill(0, this.starts[row], this.lengths[row]);
  }
}
