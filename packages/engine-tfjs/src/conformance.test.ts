import { referenceOps } from '@dpar/tensor';
import { conformanceCases, findMismatch } from '@dpar/tensor/conformance';
import { describe, expect, it } from 'vitest';
import { counts, createEngine, testedBackends } from './testing/backends.js';

const cases = conformanceCases();

describe.each(testedBackends)('TensorFlow.js, %s', async (backend) => {
  const engine = await createEngine(backend);

  it.each(cases)('$name', async ({ fn, inputs, tolerance }) => {
    const empty = counts();
    const compiled = engine.compile(fn);
    const expected = fn(referenceOps, inputs);
    // The first call records the function, the second repeats it.
    for (let call = 0; call < 2; call++) {
      const before = counts();
      expect(findMismatch(await compiled.run(inputs), expected, tolerance)).toBeUndefined();
      expect(counts()).toEqual(before);
    }
    await compiled.dispose();
    expect(counts()).toEqual(empty);
  });
});
