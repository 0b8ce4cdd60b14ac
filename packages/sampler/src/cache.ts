import { masked } from '@dpar/nn';
import { DparError, float32, type HostTensor, type HostTensorOf } from '@dpar/tensor';

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
  /**
   * True if sequences see different positions, so that each has its own mask (default false: all grow together and see all
   * positions).
   */
  readonly ragged?: boolean;
}

/** Divisor of the positions that a step reads. The mask hides the empty ones, 16 on average. */
const stride = 32;

/**
 * Keys and values of all blocks of one transformer, in host memory that is allocated once. A step reads the written
 * positions up to a multiple of 32, then the new position is written. When a multiple is full, the sequences move apart
 * in the same memory. The memory of a step then stays contiguous.
 */
export class StackCache {
  /** Written positions of each row. */
  readonly lengths: Int32Array;
  /** Memory of each tensor: keys and values of block 0, then of block 1, ... */
  private readonly memory: readonly Float32Array[];
  /** Current room L for positions in the tensors. */
  private room: number;
  private tensors: Readonly<Record<string, HostTensor>>;
  private mask: HostTensorOf<'float32'>;

  constructor(readonly size: CacheSize) {
    const { layers, rows, heads, positions, headDim } = size;
    this.lengths = new Int32Array(rows);
    this.memory = Array.from({ length: 2 * layers }, () => new Float32Array(rows * heads * positions * headDim));
    this.room = Math.min(stride, positions);
    this.tensors = this.views();
    this.mask = this.newMask();
  }

  /**
   * Inputs of a step: `keys.0`, `values.0`, `keys.1`, ... each [C, H, L, headDim], and `mask`, [1 or C, 1, 1, L]. They are
   * valid until the next `append`.
   * @param starts First visible position of each sequence (ragged caches only); by default 0.
   */
  inputs(starts?: Int32Array): Readonly<Record<string, HostTensor>> {
    if (starts) this.hideBefore(starts);
    return { ...this.tensors, mask: this.mask };
  }

  /**
   * Appends a step's keys and values.
   * @param added Each [R, layers, H, headDim], or with more rows.
   * @param rows Cached row of each of the R rows.
   * @throws DparError if a row is full.
   */
  append(added: readonly [keys: Float32Array, values: Float32Array], rows: ArrayLike<number>): void {
    const { layers, heads, positions, headDim } = this.size;
    let longest = 0;
    for (let i = 0; i < rows.length; i++) longest = Math.max(longest, this.lengths[rows[i] as number] as number);
    if (longest >= positions) {
      throw new DparError(
        `StackCache.append: expected at most ${positions} positions, got ${longest + 1}. Create a larger cache.`,
      );
    }
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      const position = this.lengths[row] as number;
      for (let part = 0; part < 2 * layers; part++) {
        const memory = this.memory[part] as Float32Array;
        const source = added[part % 2] as Float32Array;
        for (let head = 0; head < heads; head++) {
          const from = ((i * layers + (part >> 1)) * heads + head) * headDim;
          const to = ((row * heads + head) * this.room + position) * headDim;
          // A loop is faster than a view and its copy for so few elements.
          for (let j = 0; j < headDim; j++) memory[to + j] = source[from + j] as number;
        }
      }
      this.lengths[row] = position + 1;
      this.show(row, position);
    }
    if (longest + 1 === this.room && this.room < positions) this.grow();
  }

  private views(): Readonly<Record<string, HostTensor>> {
    const { rows, heads, headDim } = this.size;
    const shape = [rows, heads, this.room, headDim];
    const length = rows * heads * this.room * headDim;
    return Object.fromEntries(
      this.memory.map((memory, part) => {
        const name = `${part % 2 === 0 ? 'keys' : 'values'}.${Math.floor(part / 2)}`;
        return [name, float32(shape, memory.subarray(0, length))];
      }),
    );
  }

  /** Makes room for more positions. Moves the sequences of all heads apart, the last first. */
  private grow(): void {
    const { rows, heads, positions, headDim } = this.size;
    const before = this.room;
    this.room = Math.min(before + stride, positions);
    for (const memory of this.memory) {
      for (let sequence = rows * heads - 1; sequence > 0; sequence--) {
        const from = sequence * before * headDim;
        memory.copyWithin(sequence * this.room * headDim, from, from + before * headDim);
      }
    }
    this.tensors = this.views();
    this.mask = this.newMask();
  }

  private newMask(): HostTensorOf<'float32'> {
    const { rows, ragged = false } = this.size;
    const masks = ragged ? rows : 1;
    const mask = float32([masks, 1, 1, this.room], new Float32Array(masks * this.room).fill(masked));
    for (let row = 0; row < masks; row++) {
      mask.data.fill(0, row * this.room, row * this.room + (this.lengths[row] as number));
    }
    return mask;
  }

  private show(row: number, position: number): void {
    if (this.size.ragged) this.mask.data[row * this.room + position] = 0;
    else this.mask.data[position] = 0;
  }

  private hideBefore(starts: Int32Array): void {
    starts.forEach((start, row) => {
      this.mask.data.fill(masked, row * this.room, row * this.room + start);
    });
  }
}
