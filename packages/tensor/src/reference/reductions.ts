import type { ReductionAttributes } from '../primitives.js';
import { broadcastOffsets, type Kernel, type Kernels, lastSize, rowCount } from './kernel.js';

type Reduction = 'sum' | 'mean' | 'max' | 'argMax';

/** Combines all elements of one place of the output, starting from `initial`. `finish` receives the total and the count. */
function reduction(
  initial: number,
  combine: (total: number, x: number) => number,
  finish: (total: number, count: number) => number = (total) => total,
): Kernel<'sum' | 'mean' | 'max'> {
  return ([x], _: ReductionAttributes, output) => {
    const totals = new Float64Array(output.data.length).fill(initial);
    // Reduced axes have size 1 in the output, so it broadcasts to the input.
    broadcastOffsets(output.shape, x.shape).forEach((place, i) => {
      totals[place] = combine(totals[place]!, x.data[i]!);
    });
    const count = x.data.length / output.data.length;
    output.data.set(totals.map((total) => finish(total, count)));
  };
}

/** Kernels that reduce axes. */
export const reductionKernels: Kernels<Reduction> = {
  sum: reduction(0, (total, x) => total + x),
  mean: reduction(
    0,
    (total, x) => total + x,
    (total, count) => total / count,
  ),
  max: reduction(Number.NEGATIVE_INFINITY, Math.max),
  argMax: ([x], _, output) => {
    const size = lastSize(x.shape);
    for (let row = 0; row < rowCount(x.shape); row++) {
      let best = 0;
      for (let i = 1; i < size; i++) {
        if (x.data[row * size + i]! > x.data[row * size + best]!) best = i;
      }
      output.data[row] = best;
    }
  },
};
