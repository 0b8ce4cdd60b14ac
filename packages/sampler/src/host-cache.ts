import { float32, type HostTensor } from '@dpar/tensor';
import { type CacheSize, cacheName, type NewPositions, type RowRange, StackCache } from './cache.js';

/** Options of {@link HostCache}. */
export interface HostCacheOptions {
  /** True for memory that an engine in another thread reads without a copy of each step's caches. Default: false. */
  readonly shared?: boolean;
}

function allocate(length: number, shared: boolean): Float32Array {
  return shared
    ? new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT))
    : new Float32Array(length);
}

/**
 * Cache in the memory of the host, which is allocated once. When its room is full, the sequences move apart in the same
 * memory. The memory of a step then stays contiguous.
 */
export class HostCache extends StackCache<HostTensor> {
  readonly isOnDevice = false;
  /** Memory of each tensor: keys and values of block 0, then of block 1, ... */
  private readonly memory: readonly Float32Array[];
  /** Inputs by range of rows, as long as the room stays the same. */
  private readonly views = new Map<string, Readonly<Record<string, HostTensor>>>();

  constructor(size: CacheSize, { shared = false }: HostCacheOptions = {}) {
    const { layers, rows, heads, positions, headDim } = size;
    super(size, allocate(rows * positions, shared));
    this.memory = Array.from({ length: 2 * layers }, () => allocate(rows * heads * positions * headDim, shared));
  }

  override inputs(range: RowRange = { first: 0, count: this.size.rows }): Readonly<Record<string, HostTensor>> {
    const { first, count } = range;
    const key = `${first} ${count}`;
    const known = this.views.get(key);
    if (known !== undefined) return known;
    const { heads, headDim } = this.size;
    const length = heads * this.room * headDim;
    const view: Record<string, HostTensor> = { mask: this.maskOf(range) };
    this.memory.forEach((memory, part) => {
      const data = memory.subarray(first * length, (first + count) * length);
      const name = cacheName(part % 2 === 0 ? 'keys' : 'values', part >> 1);
      view[name] = float32([count, heads, this.room, headDim], data);
    });
    this.views.set(key, view);
    return view;
  }

  /** The smallest range that holds the rows. Caches outside are not read. */
  override rangeOf(rows: Int32Array): RowRange {
    const first = rows[0] as number;
    return { first, count: (rows[rows.length - 1] as number) - first + 1 };
  }

  override async append(added: NewPositions<HostTensor>, rows: ArrayLike<number>, positions = 1): Promise<void> {
    const { layers, heads, headDim } = this.size;
    this.setRoom(this.roomWith(rows, positions));
    const sources = [added.keys.data as Float32Array, added.values.data as Float32Array];
    const length = positions * headDim;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      const position = this.lengths[row] as number;
      for (let part = 0; part < 2 * layers; part++) {
        const memory = this.memory[part] as Float32Array;
        const source = sources[part % 2] as Float32Array;
        for (let head = 0; head < heads; head++) {
          const from = ((i * layers + (part >> 1)) * heads + head) * length;
          const to = ((row * heads + head) * this.room + position) * headDim;
          // A loop is faster than a view and its copy for so few elements.
          for (let j = 0; j < length; j++) memory[to + j] = source[from + j] as number;
        }
      }
    }
    this.advance(rows, positions);
  }

  override dispose(): void {}

  protected override roomToKeep(needed: number): number {
    return needed;
  }

  /** Moves the sequences of all heads apart, the last first, or together. */
  protected override resize(room: number): void {
    const { rows, heads, headDim } = this.size;
    const before = this.room;
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
  }
}
