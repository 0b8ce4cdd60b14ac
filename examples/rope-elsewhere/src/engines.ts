import { applyRotary, cosSin, type PairOptions, patchTable, type RotaryTable } from '@dpar/rope';
import * as tf from '@tensorflow/tfjs';
import { rotaryEmbeddingModel, rotationModel } from './onnx/graphs.js';
import { rotateInSession } from './onnx/session.js';
import { rotate, toRotation } from './tfjs/rotary.js';

/** Queries or keys: [B, positions, heads, headDim]. */
export interface Heads {
  readonly shape: readonly [B: number, positions: number, heads: number, headDim: number];
  readonly data: Float32Array;
}

/** Rotates by a table [B, positions, headDim / 2, 2] in one way. */
export type Rotate = (x: Heads, table: RotaryTable, pairs: NonNullable<PairOptions['pairs']>) => Promise<Float32Array>;

/** All ways to apply a table, with results that are equal to float precision. */
export const engines: Readonly<Record<string, Rotate>> = {
  'plain JavaScript': async ({ shape, data }, table, pairs) =>
    applyRotary(data, table, { batch: shape[0], heads: shape[2], pairs }),
  'TensorFlow.js': async ({ shape, data }, table, pairs) => {
    const rotated = tf.tidy(() => rotate(tf.tensor4d(data, [...shape]), toRotation(table), pairs));
    try {
      return (await rotated.data()) as Float32Array;
    } finally {
      rotated.dispose();
    }
  },
  'ONNX Runtime': async (x, table, pairs) => rotateInSession(rotationModel(pairs), { x, table }),
  'ONNX Runtime, RotaryEmbedding': async ({ shape: [B, P, heads, headDim], data }, table, pairs) => {
    const { shape, cos, sin } = cosSin(table);
    return rotateInSession(rotaryEmbeddingModel(heads, pairs), {
      x: { shape: [B, P, heads * headDim], data },
      cos: { shape, data: cos },
      sin: { shape, data: sin },
    });
  },
};

/** Largest difference of each engine from plain JavaScript, on Dynamic RoPE of merged patches and numbers up to 2 in size. */
export async function compareEngines(): Promise<Record<string, number>> {
  const lengths = [10, 4, 1, 1, 1, 3, 3, 1, 1, 2, 3]; // rows of 10 patches
  const table = patchTable(lengths, { embedding: 'dynamic_4d', headDim: 32, gridWidth: 10, clsTokens: 0 });
  const shape = [1, lengths.length, 4, 32] as const;
  const data = Float32Array.from({ length: lengths.length * 4 * 32 }, (_, i) => Math.sin(1.7 * i) + Math.cos(i * i));
  const differences: Record<string, number> = {};
  for (const pairs of ['interleaved', 'half-split'] as const) {
    const plain = applyRotary(data, table, { heads: 4, pairs });
    for (const [name, rotateIn] of Object.entries(engines)) {
      const rotated = await rotateIn({ shape, data }, table, pairs);
      const largest = plain.reduce((most, value, i) => Math.max(most, Math.abs(value - (rotated[i] as number))), 0);
      differences[name] = Math.max(differences[name] ?? 0, largest);
    }
  }
  return differences;
}
