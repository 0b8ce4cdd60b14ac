import { expect, it } from 'vitest';
import { countMacs } from './count-macs.js';

it('counts convolutions and products, and nothing else', () => {
  const tensor = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
  const macs = countMacs((ops) => {
    const convolved = ops.conv2d(tensor(2, 3, 8, 8), tensor(5, 3, 3, 3)); // [2, 5, 6, 6], 27 each
    const squared = ops.square(convolved);
    ops.matmul(ops.reshape(squared, [10, 36]), tensor(7, 36), { transposeB: true }); // [10, 7], 36 each
    ops.matmul(tensor(4, 36, 10), tensor(4, 36, 2), { transposeA: true }); // [4, 10, 2], 36 each
  });
  expect(macs).toBe(360 * 27 + 70 * 36 + 80 * 36);
});
