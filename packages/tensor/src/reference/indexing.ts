import { DparError } from '../error.js';
import type { Primitive } from '../primitives.js';
import { sizeOf } from '../types.js';
import type { Kernels, ReferenceTensor } from './kernel.js';

type Indexing = 'takeRows' | 'scatterAddRows' | 'takeRowsOnce' | 'takeLast' | 'scatterLast';

/** Calls `visit(place, index)` for each index. @throws DparError for an index outside `from`..`size - 1`. */
function forEachIndex(
  primitive: Primitive,
  indices: ReferenceTensor,
  from: number,
  size: number,
  visit: (place: number, index: number) => void,
): void {
  indices.data.forEach((index, place) => {
    if (index < from || index >= size) {
      throw new DparError(
        `${primitive}: expected indices from ${from} to ${size - 1}, got ${index} at place ${place}. ` +
          'Check the indices.',
      );
    }
    visit(place, index);
  });
}

/** Kernels that read or write by index. */
export const indexingKernels: Kernels<Indexing> = {
  takeRows: ([x, indices], _, output) => {
    const width = sizeOf(x.shape.slice(1));
    forEachIndex('takeRows', indices, 0, x.shape[0] ?? 0, (place, index) => {
      output.data.set(x.data.subarray(index * width, (index + 1) * width), place * width);
    });
  },
  scatterAddRows: ([values, indices], { rows }, output) => {
    const width = sizeOf(output.shape.slice(1));
    const sums = new Float64Array(output.data.length);
    forEachIndex('scatterAddRows', indices, 0, rows, (place, index) => {
      for (let i = 0; i < width; i++) sums[index * width + i]! += values.data[place * width + i]!;
    });
    output.data.set(sums);
  },
  takeRowsOnce: ([x, indices], _, output) => {
    const width = sizeOf(x.shape.slice(1));
    forEachIndex('takeRowsOnce', indices, -1, x.shape[0] ?? 0, (place, index) => {
      if (index === -1) return;
      output.data.set(x.data.subarray(index * width, (index + 1) * width), place * width);
    });
  },
  takeLast: ([x, indices], _, output) => {
    const size = x.shape.at(-1) ?? 0;
    forEachIndex('takeLast', indices, 0, size, (place, index) => {
      output.data[place] = x.data[place * size + index]!;
    });
  },
  scatterLast: ([values, indices], { size }, output) => {
    forEachIndex('scatterLast', indices, 0, size, (place, index) => {
      output.data[place * size + index] = values.data[place]!;
    });
  },
};
