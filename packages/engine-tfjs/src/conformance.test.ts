import { checkCase, conformanceCases } from '@dpar/tensor/conformance';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import type { Engine } from '@dpar/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tfjsEngine } from './index.js';

const cases = conformanceCases();

describe.each(['cpu', 'wasm'])('TensorFlow.js, %s', (backend) => {
  let engine: Engine;
  beforeAll(async () => {
    await tf.setBackend(backend);
    engine = tfjsEngine(tf);
  });
  afterAll(() => engine.dispose());

  it.each(cases)('$name', async (conformanceCase) => {
    const before = tf.memory();
    expect(await checkCase(engine, conformanceCase)).toBeUndefined();
    const after = tf.memory();
    expect([after.numTensors, after.numBytes]).toEqual([before.numTensors, before.numBytes]);
  });
});
