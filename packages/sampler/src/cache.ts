import type { BlockCache } from '@dpar/nn';
import { DparError, float32, type HostTensor, type HostTensorOf, type Tensors } from '@dpar/tensor';

/** Size of the caches of one transformer. */
export interface CacheSize {
  readonly layers: number;
  /** Sequences C. */
  readonly rows: number;
  /** Heads H. */
  readonly heads: number;
  /** Positions L there is room for. */
  readonly positions: number;
  readonly headDim: number;
}

/**
 * Keys and values of all blocks of one transformer, in host memory that is allocated once. A step reads them where they
 * lie; afterwards only the new position is written.
 */
export class StackCache {
  /** Inputs of a step: `keys.0`, `values.0`, `keys.1`, ... each [C, H, L, headDim]. */
  readonly tensors: Readonly<Record<string, HostTensorOf<'float32'>>>;
  /** Positions written so far, by row. */
  readonly lengths: Int32Array;

  constructor(private readonly size: CacheSize) {
    const { layers, rows, heads, positions, headDim } = size;
    const tensors: Record<string, HostTensorOf<'float32'>> = {};
    for (let layer = 0; layer < layers; layer++) {
      for (const kind of ['keys', 'values']) tensors[`${kind}.${layer}`] = float32([rows, heads, positions, headDim]);
    }
    this.tensors = tensors;
    this.lengths = new Int32Array(rows);
  }

  /**
   * Appends a step's outputs `keys.0`, `values.0`, ... [R, H, headDim]: output row i to cache row `rows[i]`.
   * @throws DparError if a row is full.
   */
  append(outputs: Tensors<HostTensor>, rows: ArrayLike<number>): void {
    const { heads, positions, headDim } = this.size;
    for (let i = 0; i < rows.length; i++) {
      if ((this.lengths[rows[i] as number] as number) >= positions) {
        throw new DparError(
          `StackCache.append: expected at most ${positions} positions, got one more for row ${rows[i]}.`,
        );
      }
    }
    for (const [name, cache] of Object.entries(this.tensors)) {
      const added = outputs[name]?.data as Float32Array;
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i] as number;
        const position = this.lengths[row] as number;
        for (let head = 0; head < heads; head++) {
          const from = (i * heads + head) * headDim;
          const to = ((row * heads + head) * positions + position) * headDim;
          cache.data.set(added.subarray(from, from + headDim), to);
        }
      }
    }
    for (let i = 0; i < rows.length; i++) (this.lengths[rows[i] as number] as number)++;
  }
}

/** The caches among a step's inputs, as `decodeStack` takes them. */
export function cachesOf<T>(inputs: Tensors<T>): BlockCache<T>[] {
  const caches: BlockCache<T>[] = [];
  for (let layer = 0; ; layer++) {
    const [keys, values] = [inputs[`keys.${layer}`], inputs[`values.${layer}`]];
    if (keys === undefined || values === undefined) return caches;
    caches.push({ keys, values });
  }
}

/** Keys and values of a step as named outputs. */
export function cacheOutputs<T>(result: {
  readonly keys: readonly T[];
  readonly values: readonly T[];
}): Record<string, T> {
  const outputs: Record<string, T> = {};
  result.keys.forEach((key, layer) => {
    outputs[`keys.${layer}`] = key;
  });
  result.values.forEach((value, layer) => {
    outputs[`values.${layer}`] = value;
  });
  return outputs;
}
