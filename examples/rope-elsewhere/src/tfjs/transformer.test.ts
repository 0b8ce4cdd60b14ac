import '@tensorflow/tfjs-backend-wasm';
import { patchTable } from '@dpar/rope';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { quickSettings, type Variant, variants } from '../variants.js';
import { loadDigits } from '../vision/digits.js';
import { toRotation } from './rotary.js';
import { train } from './train.js';
import { classify, createWeights } from './transformer.js';

const sizes = { inputs: 5, stem: 8, width: 16, layers: 2, heads: 2, headDim: 16, feedForward: 24, classes: 3 };
const config = { ...sizes, learnedPositions: 0 };

beforeAll(async () => {
  await tf.setBackend('wasm');
  await tf.ready();
});

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);

/** Logits of one picture of tokens at these spans, padded to `positions`. */
function logitsAt(starts: readonly number[], ends: readonly number[], positions = starts.length): Float32Array {
  const count = starts.length;
  const padding = new Array<number>(positions - count).fill(0);
  const contents = [
    ...Array.from({ length: count * 5 }, (_, i) => Math.sin(i * i)),
    ...padding.flatMap(() => [7, 7, 7, 7, 7]),
  ];
  const spans = { starts: [...starts, ...padding], ends: [...ends, ...padding] };
  const table = patchTable(spans, { embedding: 'dynamic_4d', headDim: 16, gridWidth: 12, clsTokens: 0 });
  return tf.tidy(() => {
    const weights = createWeights(config, 1);
    const logits = classify(config, weights, {
      contents: tf.tensor3d(contents, [1, positions, 5]),
      present: tf.tensor2d([...starts.map(() => 1), ...padding], [1, positions]),
      rotation: toRotation(table),
    });
    const values = logits.dataSync<'float32'>();
    for (const weight of Object.values(weights)) weight.dispose();
    return new Float32Array(values);
  }) as unknown as Float32Array;
}

describe('the transformer', () => {
  const [starts, ends] = [
    [0, 4, 5, 12],
    [3, 4, 7, 18],
  ];

  it('does not see padding', () => {
    expect(largestDifference(logitsAt(starts, ends, 6), logitsAt(starts, ends))).toBeLessThan(1e-5);
  });

  it('sees where merged patches lie and end, but not where the whole picture lies', () => {
    const moved = (by: number, last = 0) =>
      logitsAt(
        starts.map((s) => s + by),
        ends.map((e, i) => e + by + (i === 3 ? last : 0)),
      );
    expect(largestDifference(moved(0), logitsAt(starts, ends))).toBe(0);
    expect(largestDifference(moved(3), moved(0))).toBeLessThan(1e-4); // three columns to the right
    expect(largestDifference(moved(24), moved(0))).toBeLessThan(1e-4); // two rows down
    expect(largestDifference(moved(0, 2), moved(0))).toBeGreaterThan(1e-3); // the last token is longer
  });
});

describe('the gradients', () => {
  it('are what finite differences say, for every weight', () => {
    const learned = { ...config, learnedPositions: 4 };
    const table = patchTable([2, 1, 3, 6], { embedding: 'dynamic_4d', headDim: 16, gridWidth: 6, clsTokens: 0 });
    const weights = createWeights(learned, 5);
    const input = {
      contents: tf.tensor3d(
        Array.from({ length: 40 }, (_, i) => Math.sin(i * i)),
        [2, 4, 5],
      ),
      present: tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 0], [2, 4]),
      rotation: toRotation(table),
      learned: tf.tensor3d(
        Array.from({ length: 32 }, (_, i) => Math.cos(i)),
        [2, 4, 4],
      ),
    };
    const factors = tf.tensor2d([1, -2, 0.5, 0.3, 1.5, -1], [2, 3]);
    const loss = (): tf.Scalar => tf.sum(tf.mul(classify(learned, weights, input), factors)) as tf.Scalar;
    const { grads } = tf.variableGrads(loss);
    const step = 0.003; // longer ones cross the kinks of ReLU
    for (const [name, weight] of Object.entries(weights)) {
      const gradient = grads[weight.name]?.dataSync() ?? [];
      const values = Float32Array.from(weight.dataSync());
      for (const i of [0, Math.floor(values.length / 2), values.length - 1]) {
        const at = (shift: number): number =>
          tf.tidy(() => {
            weight.assign(
              tf.tensor(
                values.map((value, k) => (k === i ? value + shift : value)),
                weight.shape,
              ),
            );
            return loss().dataSync()[0] ?? Number.NaN;
          });
        const slope = (at(step) - at(-step)) / (2 * step);
        at(0);
        const difference = Math.abs((gradient[i] ?? Number.NaN) - slope);
        expect(difference, `${name}[${i}]`).toBeLessThan(0.003 + 0.03 * Math.abs(slope));
      }
    }
  });
});

describe('train', () => {
  it.each([1, 2, 4].map((i) => variants[i] as Variant))(
    '$name, merged: $merged: the loss falls, the same way each time',
    async (variant) => {
      const { train: digits } = await loadDigits();
      const few = {
        pictures: digits.pictures.filter((_, i) => i % 100 === 0),
        labels: digits.labels.filter((_, i) => i % 100 === 0),
      };
      const settings = { ...quickSettings, batchSize: 8, steps: 40, learningRate: 0.01, size: [28, 28] as const };
      const { losses } = train(variant, settings, few, 1);
      const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(mean(losses.slice(-10))).toBeLessThan(mean(losses.slice(0, 10)) - 0.1);
      const short = (seed: number) => train(variant, { ...settings, steps: 3 }, few, seed).losses;
      expect(short(1)).toEqual(short(1));
      expect(short(2)).not.toEqual(short(1));
    },
  );
});
