import { checkArguments } from './check-arguments.js';
import { createOps } from './create-ops.js';
import type { Ops } from './ops.js';
import { sizeOf, type TensorType } from './types.js';

/**
 * Counts the multiply-accumulates of the convolutions and matrix products of a function, without computing it. Other
 * operations count nothing.
 * @param fn Function over types: `{ dtype, shape }` in place of tensors. It may be the whole of a gradient, see `Tape`.
 */
export function countMacs(fn: (ops: Ops<TensorType>) => unknown): number {
  checkArguments('countMacs', { fn }, { fn: 'function' });
  let macs = 0;
  const ops = createOps<TensorType>({
    typeOf: ({ dtype, shape }) => ({ dtype, shape }),
    constant: ({ dtype, shape }) => ({ dtype, shape }),
    apply: (primitive, [left, right], attributes, output) => {
      const places = sizeOf(output.shape);
      if (primitive === 'conv2d' && right) {
        macs += places * sizeOf(right.shape.slice(1));
      } else if (primitive === 'conv2dInputGradient' && left && right) {
        macs += sizeOf(left.shape) * sizeOf(right.shape.slice(1));
      } else if (primitive === 'conv2dWeightGradient' && right) {
        macs += sizeOf(right.shape) * sizeOf(output.shape.slice(1));
      } else if (primitive === 'matmul' && left) {
        const transposed = 'transposeA' in attributes && attributes.transposeA;
        macs += places * (left.shape.at(transposed ? -2 : -1) ?? 0);
      }
      return output;
    },
  });
  fn(ops);
  return macs;
}
