import { expect, it } from 'vitest';
import { InceptionScoreAccumulator, inceptionScore } from './inception-score.js';
import { gaussian } from './testing/gaussian.js';

it('is 1 where all images are alike, and the number of classes where each is certain and all are as frequent', () => {
  const [rows, columns] = [120, 6];
  expect(inceptionScore({ data: new Float32Array(rows * columns), rows, columns }).mean).toBeCloseTo(1, 12);
  const certain = Float32Array.from({ length: rows * columns }, (_, i) => {
    const row = Math.floor(i / columns);
    return row % columns === i % columns ? 1000 : 0;
  });
  expect(inceptionScore({ data: certain, rows, columns }).mean).toBeCloseTo(columns, 12);
});

it('knows a closed form: two kinds of images with mirrored probabilities', () => {
  // p = (0.9, 0.1) and (0.1, 0.9): the mean is even, so that the score is 2 exp(-H(p)).
  const logits = Float64Array.of(Math.log(9), 0, 0, Math.log(9));
  const score = inceptionScore({ data: logits, rows: 2, columns: 2 });
  expect(score.mean).toBeCloseTo(2 * Math.exp(0.9 * Math.log(0.9) + 0.1 * Math.log(0.1)), 12);
  // Logits are of any offset.
  const moved = logits.map((value) => value + 500);
  expect(inceptionScore({ data: moved, rows: 2, columns: 2 }).mean).toBeCloseTo(score.mean, 10);
});

it('is the same in pieces, with splits that end within them', () => {
  const logits = gaussian(107, 5, 1);
  const whole = inceptionScore(logits, { splitSize: 20 });
  expect(whole.splits).toBe(6);
  const accumulator = new InceptionScoreAccumulator(5, { splitSize: 20 });
  for (const [first, end] of [
    [0, 3],
    [3, 50],
    [50, 50],
    [50, 107],
  ] as const) {
    accumulator.add({ data: logits.data.subarray(first * 5, end * 5), rows: end - first, columns: 5 });
  }
  expect(accumulator.finish()).toEqual(whole);
  expect(accumulator.finish()).toEqual(whole);
  const parts = [0, 1, 2, 3, 4, 5].map((i) => {
    const data = logits.data.subarray(i * 100, (i + 1) * 100);
    return inceptionScore({ data, rows: data.length / 5, columns: 5 }).mean;
  });
  expect(whole.mean).toBeCloseTo(parts.reduce((a, b) => a + b) / 6, 12);
});

it('refuses what is no set of logits', () => {
  expect(() => inceptionScore(gaussian(4, 3, 1), { splitSize: 0 })).toThrow('whole number from 1 up, got 0');
  expect(() => new InceptionScoreAccumulator(3).finish()).toThrow('expected logits, got none');
  expect(() => new InceptionScoreAccumulator(3).add(gaussian(4, 2, 1))).toThrow('logits of 3 classes, got 2');
});
