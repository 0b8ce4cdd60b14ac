import { createOps, type Ops, type TensorType } from '@dpar/tensor';

/** Counts the multiply-accumulates of the convolutions and matrix products of a function, without computing it. */
export function countMacs(fn: (ops: Ops<TensorType>) => unknown): number {
  let macs = 0;
  const ops = createOps<TensorType>({
    typeOf: ({ dtype, shape }) => ({ dtype, shape }),
    constant: ({ dtype, shape }) => ({ dtype, shape }),
    apply: (primitive, [left, right], attributes, output) => {
      const places = output.shape.reduce((product, size) => product * size, 1);
      if (primitive === 'conv2d' && right) {
        macs += right.shape.slice(1).reduce((product, size) => product * size, places);
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
