import type { Tfjs, TfjsTensor } from '../tfjs.js';
import { inputOf, type Kernel, type Kernels } from './kernel.js';

type Reduction = 'sum' | 'mean' | 'max' | 'argMax';

function reduction(
  call: (tf: Tfjs, x: TfjsTensor, axes: number[]) => TfjsTensor,
): Kernel<Exclude<Reduction, 'argMax'>> {
  return ({ tf }, inputs, { axes }) => {
    const x = inputOf(inputs, 0);
    return axes.length === 0 ? x : call(tf, x, [...axes]);
  };
}

/** Kernels that reduce axes. */
export const reductionKernels: Kernels<Reduction> = {
  sum: reduction((tf, x, axes) => tf.sum(x, axes, true)),
  mean: reduction((tf, x, axes) => tf.mean(x, axes, true)),
  max: reduction((tf, x, axes) => tf.max(x, axes, true)),
  argMax: ({ tf }, inputs) => tf.argMax(inputOf(inputs, 0), -1),
};
