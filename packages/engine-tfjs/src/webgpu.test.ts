import { float32, int32, named, referenceOps, type TensorFunction } from '@dpar/tensor';
import { findMismatch, shaderCases, usableEngine } from '@dpar/tensor/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { createTfjsEngine } from './index.js';
import { counts } from './testing/backends.js';

const engine = await usableEngine(() => createTfjsEngine({ backend: 'webgpu' }));

describe.skipIf(engine === undefined)(engine?.name ?? 'TensorFlow.js on WebGPU', async () => {
  if (engine === undefined) return;
  afterAll(() => engine.dispose());

  it.each(await shaderCases(engine))('$name', async ({ fn, inputs, tolerance }) => {
    const empty = counts();
    const compiled = engine.compile(fn);
    const expected = fn(referenceOps, inputs);
    expect(findMismatch(await compiled.run(inputs), expected, tolerance)).toBeUndefined();
    await compiled.dispose();
    expect(counts()).toEqual(empty);
  });

  // Its whole numbers are exact up to 2^24 = 16,777,216: rows of codes of a batch of images have more elements.
  it('reads and writes at places beyond 2^24', async () => {
    const [rows, size] = [3, 2 ** 23 + 1];
    const x = float32([rows, size]);
    const indices = int32([rows], [5, size - 1, size - 2]); // The last two places are odd.
    indices.data.forEach((column, row) => {
      x.data[row * size + column] = row + 1;
    });
    const fn: TensorFunction = (ops, inputs) => {
      const taken = ops.takeLast(named(inputs, 'x'), named(inputs, 'indices'));
      const written = ops.scatterLast(taken, named(inputs, 'indices'), size);
      return { taken, same: ops.sum(ops.abs(ops.sub(written, named(inputs, 'x')))) };
    };
    const compiled = engine.compile(fn);
    const { taken, same } = await compiled.run({ x, indices });
    expect(taken).toEqual(float32([rows], [1, 2, 3]));
    expect(Array.from(same?.data ?? [])).toEqual([0]);
    await compiled.dispose();
  });
});
