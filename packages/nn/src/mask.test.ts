import { int32, referenceOps as ops } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { additiveMask, blockCausalMask, causalMask } from './mask.js';

const visible = (data: ArrayLike<number>) => Array.from(data, (value) => Number(value === 0));

describe('masks', () => {
  it('causal: position i sees 0..i', () => {
    const mask = causalMask(ops, 3);
    expect(mask.shape).toEqual([1, 1, 3, 3]);
    expect(visible(mask.data)).toEqual([1, 0, 0, 1, 1, 0, 1, 1, 1]);
  });

  it('block-causal: position i sees those of 0..i with its own id, image by image', () => {
    const mask = blockCausalMask(ops, int32([2, 3], [7, 7, 8, 1, 2, 2]));
    expect(mask.shape).toEqual([2, 1, 3, 3]);
    expect(visible(mask.data)).toEqual([1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1]);
  });

  it('hides what is false so well that a softmax gives it nothing', () => {
    const hidden = additiveMask(ops, { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) });
    const weights = ops.softmax(ops.add(hidden, { dtype: 'float32', shape: [3], data: Float32Array.of(1, 500, 1) }));
    expect(Array.from(weights.data)).toEqual([0.5, 0, 0.5]);
  });
});
