import { expect, it } from 'vitest';
import { countMacs } from './count-macs.js';
import { valueAndGradients } from './gradients/tape.js';
import type { TensorFunction } from './ops.js';

const tensor = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;

it('counts convolutions and products, and nothing else', () => {
  const macs = countMacs((ops) => {
    const convolved = ops.conv2d(tensor(2, 3, 8, 8), tensor(5, 3, 3, 3)); // [2, 5, 6, 6], 27 each
    const squared = ops.square(convolved);
    ops.matmul(ops.reshape(squared, [10, 36]), tensor(7, 36), { transposeB: true }); // [10, 7], 36 each
    ops.matmul(tensor(4, 36, 10), tensor(4, 36, 2), { transposeA: true }); // [4, 10, 2], 36 each
  });
  expect(macs).toBe(360 * 27 + 70 * 36 + 80 * 36);
});

it('counts as much for each gradient of a convolution or product as for itself', () => {
  const fn: TensorFunction = (ops, { x, weight, matrix }) => {
    const y = ops.conv2d(x as never, weight as never, { stride: 2, padding: [1, 1, 1, 1] }); // [2, 5, 4, 4], 27 each
    return { loss: ops.sum(ops.square(ops.matmul(ops.reshape(y, [10, 16]), matrix as never))) }; // [10, 7], 16 each
  };
  const inputs = { x: tensor(2, 3, 8, 8), weight: tensor(5, 3, 3, 3), matrix: tensor(16, 7) };
  const gradients = countMacs((ops) => valueAndGradients(ops, fn, inputs, { of: 'loss', by: Object.keys(inputs) }));
  const forward = countMacs((ops) => fn(ops, inputs));
  expect(forward).toBe(160 * 27 + 70 * 16);
  expect(gradients).toBe(3 * forward);
});
