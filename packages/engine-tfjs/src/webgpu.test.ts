import { float32, int32, named, referenceOps, type TensorFunction } from '@dpar/tensor';
import { type ConformanceCase, conformanceCases, findMismatch } from '@dpar/tensor/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { createTfjsEngine } from './index.js';
import { counts } from './testing/backends.js';
import { webGpuAdapter } from './testing/webgpu.js';

const adapter = await webGpuAdapter();

/** WGSL asks for sines and cosines within 2^-11 only, and some drivers give no more. */
function toleranceOf({ name, tolerance }: ConformanceCase): ConformanceCase['tolerance'] {
  return /\b(sin|cos) of/.test(name) && !adapter?.startsWith('llvmpipe')
    ? { ...tolerance, absolute: 2 ** -10 }
    : tolerance;
}

describe.skipIf(adapter === undefined)(`TensorFlow.js, webgpu: ${adapter}`, async () => {
  if (adapter === undefined) return;
  const engine = await createTfjsEngine({ backend: 'webgpu' });
  afterAll(() => engine.dispose());

  it.each(conformanceCases())('$name', async (conformanceCase) => {
    const { fn, inputs } = conformanceCase;
    const empty = counts();
    const compiled = engine.compile(fn);
    const expected = fn(referenceOps, inputs);
    expect(findMismatch(await compiled.run(inputs), expected, toleranceOf(conformanceCase))).toBeUndefined();
    await compiled.dispose();
    expect(counts()).toEqual(empty);
  });
});
