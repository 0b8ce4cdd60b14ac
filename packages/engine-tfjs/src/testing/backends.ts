import { hasTfjsNode } from '@dpar/config/tfjs-node';
import type { Engine } from '@dpar/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { createTfjsEngine, type TfjsBackend } from '../index.js';

type TestedBackend = Extract<TfjsBackend, 'wasm' | 'cpu' | 'node'>;

/** Backends that run wherever the tests do, and the native one if there is one. */
export const testedBackends: readonly TestedBackend[] = hasTfjsNode() ? ['wasm', 'cpu', 'node'] : ['wasm', 'cpu'];

/** Creates an engine on one of them. */
export function createEngine(backend: TestedBackend): Promise<Engine> {
  return createTfjsEngine({ backend });
}

/** Name of a backend in TensorFlow.js. */
export const registeredAs = (backend: TestedBackend): string => (backend === 'node' ? 'tensorflow' : backend);

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
