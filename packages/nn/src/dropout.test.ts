import { bool, float32, referenceOps as ops } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { dropout } from './index.js';

it('drops what is not kept and scales the rest', () => {
  const x = float32([2, 2], [1, 2, 3, 4]);
  expect(dropout(ops, x, { keep: bool([2, 2], [1, 0, 0, 1]), scale: 2 })).toEqual(float32([2, 2], [2, 0, 0, 8]));
  expect(dropout(ops, x, undefined)).toBe(x);
});
