import type { Engine } from '@dpar/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { createTfjsEngine, type TfjsBackend } from '../index.js';

/** Backends that run wherever the tests do. */
export const testedBackends = ['wasm', 'cpu'] as const satisfies readonly TfjsBackend[];

/** Creates an engine on one of them. */
export function createEngine(backend: (typeof testedBackends)[number]): Promise<Engine> {
  return createTfjsEngine({ backend });
}

/** Runs an action, and expects TensorFlow.js to hold as much as before. */
export async function expectNoLeak<R>(action: () => Promise<R>): Promise<R> {
  const before = counts();
  const result = await action();
  expect(counts()).toEqual(before);
  return result;
}

/** Numbers of tensors and bytes that TensorFlow.js holds. */
export function counts(): { tensors: number; bytes: number } {
  const { numTensors, numBytes } = tf.memory();
  return { tensors: numTensors, bytes: numBytes };
}
