import { createRandom } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { InceptionScoreAccumulator, inceptionScore } from './inception-score.js';
import { type Matrix, rowsAt } from './matrix.js';
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
  expect(() => inceptionScore(gaussian(4, 3, 1), { splitSize: 0 })).toThrow('whole number >= 1, got 0');
  expect(() => new InceptionScoreAccumulator(3).finish()).toThrow('expected logits, got none');
  expect(() => new InceptionScoreAccumulator(3).add(gaussian(4, 2, 1))).toThrow('logits of 3 classes, got 2');
});

/** Logits of images that are of their class with a probability near 1, in the order of the classes. */
function sorted(classes: number, imagesOfEach: number): Matrix {
  const rows = classes * imagesOfEach;
  const random = createRandom(1).fillNormal(new Float32Array(rows * classes));
  const data = random.map((value, i) => value + (i % classes === Math.floor(i / classes / imagesOfEach) ? 20 : 0));
  return { data, rows, columns: classes };
}

function shuffled(logits: Matrix): Matrix {
  const data = new Float32Array(logits.data.length);
  let at = 0;
  for (const piece of rowsAt(logits, createRandom(2).permutation(logits.rows))) {
    data.set(piece.data, at);
    at += piece.data.length;
  }
  return { ...logits, data };
}

describe('warnings', () => {
  it.each([
    [100, 20, 500],
    [10, 10, 20],
    [10, 2, 10],
    [20, 100, 1500],
  ])('name the order of %i sorted classes of %i images in splits of %i, and no random one', (classes, each, size) => {
    const logits = sorted(classes, each);
    const score = inceptionScore(logits, { splitSize: size });
    expect(score.warnings.join()).toMatch(
      /The Inception Score depends on the order of the images: the mean of its splits of \d+ in/,
    );
    const whole = inceptionScore(shuffled(logits), { splitSize: size });
    expect(whole.warnings.join()).not.toContain('order');
    expect(whole.mean).toBeGreaterThan(score.mean);
    expect(inceptionScore(logits, { splitSize: logits.rows }).warnings).toEqual([]);
  });

  it('name a last split that is shorter, and change no number', () => {
    const logits = sorted(10, 20);
    const rest = { ...shuffled(logits), rows: 151 };
    const score = inceptionScore({ ...rest, data: rest.data.subarray(0, 1510) }, { splitSize: 50 });
    expect(score.splits).toBe(4);
    expect(score.warnings).toEqual([
      expect.stringMatching(
        /^The last split of the Inception Score has 1 of 50 images and the score 1\.00\. The mean of the others is [89]\./,
      ),
    ]);
    const whole = inceptionScore({ ...rest, rows: 150, data: rest.data.subarray(0, 1500) }, { splitSize: 50 });
    expect(whole.warnings).toEqual([]);
    expect(score.mean).toBeCloseTo((3 * whole.mean + 1) / 4, 12);
  });

  it('name probabilities in place of logits', () => {
    const probabilities = { data: Float32Array.of(0.9, 0.1, 0.25, 0.75), rows: 2, columns: 2 };
    expect(inceptionScore(probabilities).warnings.join()).toContain('are probabilities: each row sums to 1');
    const logits = { ...probabilities, data: probabilities.data.map(Math.log) };
    expect(inceptionScore(logits).warnings).toEqual([]);
  });
});

it('is a number for any finite logits', () => {
  const data = Float64Array.of(1.5e308, -1.5e308, -1.5e308, 1.5e308);
  expect(inceptionScore({ data, rows: 2, columns: 2 }).mean).toBeCloseTo(2, 12);
});
