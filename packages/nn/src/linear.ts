import type { Ops } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/**
 * Linear layer without bias: y = x W^T, with the weight in PyTorch's layout.
 * @param weight [O, I]
 * @param x [..., I]
 * @param scale Factor on the result, default 1.
 * @returns [..., O]
 */
export function linear<T>(ops: Ops<T>, weight: T, x: T, scale = 1): T {
  checkArguments(
    'linear',
    { ops, weight, x, scale },
    { ops: 'Ops', weight: 'Tensor', x: 'Tensor', 'scale?': 'number' },
  );

  return ops.matmul(x, weight, { transposeB: true, scale });
}

/**
 * Embedding: rows of a table by index.
 * @param table [N, D]
 * @param indices int32 [...], in 0..N-1
 * @returns [..., D]
 */
export function embedding<T>(ops: Ops<T>, table: T, indices: T): T {
  checkArguments('embedding', { ops, table, indices }, { ops: 'Ops', table: 'Tensor', indices: 'Tensor' });

  return ops.takeRows(table, indices);
}
