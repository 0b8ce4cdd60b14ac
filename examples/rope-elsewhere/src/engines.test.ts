import { applyRotary, gridTable, patchTable } from '@dpar/rope';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { engines, type Heads } from './engines.js';
import { rotationModel } from './onnx/graphs.js';
import { rotateInSession } from './onnx/session.js';
import { rotate, toRotation } from './tfjs/rotary.js';

// Pictures of 3 x 6 patches, the second merged further and padded.
const lengths = [1, 2, 3, 1, 1, 4, 6, 6, 6, 6, 0, 0, 0, 0];
const options = { headDim: 32, gridWidth: 6, clsTokens: 0 };
const table = patchTable({ shape: [2, 7], data: lengths }, { ...options, embedding: 'dynamic_4d' });
const x: Heads = {
  shape: [2, 7, 3, 32],
  data: Float32Array.from({ length: 2 * 7 * 3 * 32 }, (_, i) => Math.sin(i * 1.7) + Math.cos(i * i)),
};

/** The rotation from its definition, in double precision. */
function expected(pairs: 'interleaved' | 'half-split'): number[] {
  const out = new Array<number>(x.data.length).fill(0);
  for (let head = 0; head < 2 * 7 * 3; head++) {
    const position = Math.floor(head / 3);
    for (let i = 0; i < 16; i++) {
      const [first, second] = pairs === 'interleaved' ? [2 * i, 2 * i + 1] : [i, i + 16];
      const [a, b] = [x.data[32 * head + first] ?? 0, x.data[32 * head + second] ?? 0];
      const [cos, sin] = [table.data[2 * (16 * position + i)] ?? 0, table.data[2 * (16 * position + i) + 1] ?? 0];
      out[32 * head + first] = a * cos - b * sin;
      out[32 * head + second] = a * sin + b * cos;
    }
  }
  return out;
}

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  a.length === b.length
    ? Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0)
    : Infinity;

beforeAll(async () => {
  await tf.setBackend('wasm');
  await tf.ready();
});

describe('one table in all engines', () => {
  const cases = Object.keys(engines).flatMap((name) => [
    [name, 'interleaved' as const],
    [name, 'half-split' as const],
  ]) as [string, 'interleaved' | 'half-split'][];

  it.each(cases)('%s, %s', async (name, pairs) => {
    const rotated = await engines[name]?.(x, table, pairs);
    // Products and sums of numbers up to 2 in float32: a few roundings of 1.2e-7.
    expect(largestDifference(rotated ?? [], expected(pairs))).toBeLessThan(5e-7);
    expect(largestDifference(rotated ?? [], x.data)).toBeGreaterThan(0.5);
  });

  it('share one table among the pictures of a batch', async () => {
    const shared = gridTable({ headDim: 32, gridHeight: 1, gridWidth: 7, clsTokens: 0 }); // [1, 7, 16, 2]
    const plain = await engines['plain JavaScript']?.(x, shared, 'half-split');
    const session = await rotateInSession(rotationModel('half-split'), { x, table: shared });
    const tensor = tf.tidy(() =>
      rotate(tf.tensor4d(x.data, [...x.shape]), toRotation(shared), 'half-split').dataSync(),
    );
    expect(largestDifference(session, plain ?? [])).toBeLessThan(5e-7);
    expect(largestDifference(tensor, plain ?? [])).toBeLessThan(5e-7);
  });

  it('have the right gradients in TensorFlow.js: those of a rotation rotate back', () => {
    const upstream = x.data.map((value, i) => Math.cos(value + i));
    for (const pairs of ['interleaved', 'half-split'] as const) {
      const gradient = tf.tidy(() => {
        const weights = tf.tensor4d(upstream, [...x.shape]);
        const loss = (y: tf.Tensor): tf.Scalar =>
          tf.sum(tf.mul(rotate(y as tf.Tensor4D, toRotation(table), pairs), weights)) as tf.Scalar;
        return tf
          .grad(loss)(tf.tensor4d(x.data, [...x.shape]))
          .dataSync();
      });
      const back = applyRotary(upstream, table, { batch: 2, heads: 3, pairs, inverse: true });
      expect(largestDifference(gradient, back)).toBeLessThan(5e-7);
    }
  });
});
