import { checkCase, conformanceCases } from '@dpar/tensor/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { createOrtEngine } from './index.js';

const cases = conformanceCases();

describe('onnxruntime-node', async () => {
  const engine = await createOrtEngine({ threads: 2 });
  afterAll(() => engine.dispose());
  it.each(cases)('$name', async (conformanceCase) => {
    expect(await checkCase(engine, conformanceCase)).toBeUndefined();
  });
});

// The kernels are the same ones, compiled for another machine: a part of the cases is enough.
describe('onnxruntime-web', async () => {
  const engine = await createOrtEngine({ runtime: 'web', threads: 1 });
  afterAll(() => engine.dispose());
  it.each(cases.filter((_, i) => i % 10 === 0 || i >= cases.length - 10))('$name', async (conformanceCase) => {
    expect(await checkCase(engine, conformanceCase)).toBeUndefined();
  });
});
