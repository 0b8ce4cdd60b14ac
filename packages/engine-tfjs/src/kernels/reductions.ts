import { sizeOf } from '@dpar/tensor';
import type { Tfjs, TfjsTensor } from '../tfjs.js';
import { type Kernel, type Kernels, shaped } from './kernel.js';

type Reduction = 'sum' | 'mean' | 'max' | 'argMax';

/** Kernel that reduces axes. @param ofNothing Result for a tensor without elements. */
function reduction(
  ofNothing: number,
  call: (tf: Tfjs, x: TfjsTensor, axes: number[]) => TfjsTensor,
): Kernel<Exclude<Reduction, 'argMax'>> {
  return ({ tf }, [x], { axes }, { shape }) => {
    if (sizeOf(x.shape) === 0) return tf.fill([...shape], ofNothing, 'float32');
    return axes.length === 0 ? x : call(tf, x, [...axes]);
  };
}

/** Kernels that reduce axes. */
export const reductionKernels: Kernels<Reduction> = {
  sum: reduction(0, (tf, x, axes) => tf.sum(x, axes, true)),
  mean: reduction(Number.NaN, (tf, x, axes) => tf.mean(x, axes, true)),
  max: reduction(Number.NEGATIVE_INFINITY, (tf, x, axes) => tf.max(x, axes, true)),
  // WebGPU keeps the axis of a tensor with one axis.
  argMax: ({ tf }, [x], _, { shape }) => shaped(tf, tf.argMax(x, -1), shape),
};
