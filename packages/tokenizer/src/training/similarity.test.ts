import { float32, referenceOps } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { structuralSimilarity } from './similarity.js';

const [B, C, H, W] = [2, 3, 16, 13];

type Value = (k: number, c: number, y: number, x: number) => number;

const wave: Value = (k, c, y, x) => 0.8 * Math.sin(0.7 * y + 0.3 * x * (c + 1) + k);
const other: Value = (k, c, y, x) => 0.9 * wave(k, c, y, x) + 0.1 * Math.cos(1.9 * x - 0.4 * y) + 0.05 * k;

/** Images [B, C, H, W] of values. */
function images(value: Value) {
  const data = new Float32Array(B * C * H * W);
  for (let k = 0, i = 0; k < B; k++) {
    for (let c = 0; c < C; c++) for (let y = 0; y < H; y++) for (let x = 0; x < W; x++) data[i++] = value(k, c, y, x);
  }
  return float32([B, C, H, W], data);
}

it('is that of the usual implementations', () => {
  // scikit-image: structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=2), in float64.
  const found = structuralSimilarity(referenceOps, images(wave), images(other));
  expect(found.shape).toEqual([2]);
  expect(found.data[0]).toBeCloseTo(0.9789673001, 5);
  expect(found.data[1]).toBeCloseTo(0.7583421152, 5);
});

it('is 1 for equal images', () => {
  expect([...structuralSimilarity(referenceOps, images(wave), images(wave)).data]).toEqual([1, 1]);
});
