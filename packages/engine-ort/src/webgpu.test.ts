import { bool, createRandom, float32, type HostTensor, int32, named, type TensorFunction } from '@dpar/tensor';
import { checkCase, shaderCases, usableEngine } from '@dpar/tensor/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { createOrtEngine } from './index.js';

const double: TensorFunction = (ops, inputs) => ({ y: ops.add(named(inputs, 'x'), named(inputs, 'x')) });
const x = float32([2], [1, 2]);
const engine = await usableEngine(() => createOrtEngine({ device: 'webgpu', threads: 1 }));
afterAll(() => engine?.dispose());

describe.skipIf(engine === undefined)('onnxruntime-node on WebGPU', async () => {
  if (engine === undefined) return;

  it.each(await shaderCases(engine))('$name', async (conformanceCase) => {
    expect(await checkCase(engine, conformanceCase)).toBeUndefined();
  });

  it('takes and gives tensors that stay with the engine', async () => {
    const fn = engine.compile(double);
    const uploaded = await engine.upload(x);
    const { y } = await fn.runOnDevice({ x: uploaded });
    const again = await fn.runOnDevice({ x: y as NonNullable<typeof y> });
    expect(await again.y?.read()).toEqual(float32([2], [4, 8]));
    for (const tensor of [uploaded, y, again.y]) tensor?.dispose();
  });

  it('keeps tensors of all types in its memory, and frees them', async () => {
    const same = engine.compile((_, inputs) => inputs);
    const tensors = { x, count: int32([3], [1, -2, 3]), flag: bool([2], [1, 0]) };
    const kept = await same.runOnDevice(tensors);
    const again = await same.runOnDevice(kept);
    // What made them may go.
    await same.dispose();
    for (const tensor of Object.values(kept)) tensor.dispose();
    for (const [name, tensor] of Object.entries(tensors)) {
      const found = named(again, name);
      expect(await Promise.all([found.read(), found.read()])).toEqual([tensor, tensor]);
      found.dispose();
      await expect(found.read()).rejects.toThrow('disposed');
    }
  });

  it('brings the outputs that are wanted on the host there in the run', async () => {
    const fn = engine.compile((ops, inputs) => ({ y: ops.neg(named(inputs, 'x')), sum: ops.sum(named(inputs, 'x')) }));
    const { y, sum } = await fn.runOnDevice({ x }, { toHost: ['sum'] });
    expect(await sum?.read()).toEqual(float32([], [3]));
    expect(await y?.read()).toEqual(float32([2], [-1, -2]));
    for (const tensor of [y, sum]) tensor?.dispose();
    expect((await fn.run({ x })).sum).toEqual(float32([], [3]));
    await expect(fn.runOnDevice({ x }, { toHost: ['loss'] })).rejects.toThrow(
      "names of outputs in 'toHost' (y, sum), got 'loss'",
    );
  });

  it('does all that in a thread of its own too', async () => {
    const beside = await createOrtEngine({ device: 'webgpu', threads: 1, thread: true });
    try {
      const fn = beside.compile(double);
      const first = await fn.runOnDevice({ x });
      const { y } = await fn.runOnDevice({ x: named(first, 'y') });
      expect(await y?.read()).toEqual(float32([2], [4, 8]));
      const uploaded = await beside.upload(x);
      expect((await fn.run({ x: uploaded })).y).toEqual(float32([2], [2, 4]));
      for (const tensor of [named(first, 'y'), y, uploaded]) tensor?.dispose();
    } finally {
      await beside.dispose();
    }
  });

  const addRows = (values: HostTensor, indices: HostTensor, rows: number) =>
    engine
      .compile((ops, inputs) => ({
        sum: ops.scatterAddRows(named(inputs, 'values'), named(inputs, 'indices'), rows),
      }))
      .run({ values, indices });

  it('adds to rows in one order', async () => {
    const values = float32([256, 32], createRandom(1, 0).fillNormal(new Float32Array(256 * 32)));
    const indices = int32(
      [256],
      Int32Array.from({ length: 256 }, (_, i) => (i * 17) % 24),
    );
    const first = await addRows(values, indices, 24);
    for (let i = 0; i < 20; i++) expect(await addRows(values, indices, 24)).toEqual(first);
  });

  it('adds to many rows in parts', async () => {
    const rows = 2 ** 22;
    const { sum } = await addRows(float32([5, 1], [1, 2, 4, 8, 16]), int32([5], [7, rows - 1, 7, 0, 7]), rows);
    const data = sum?.data as Float32Array;
    expect([data[7], data[rows - 1], data[0]]).toEqual([21, 2, 8]);
    expect(data.reduce((total, value) => total + value, 0)).toBe(31);
  });

  it('writes into given tensors, also those of the inputs', async () => {
    const fn = engine.compile(double);
    const [input, target] = [float32([2], [1, 2]), float32([2])];
    expect((await fn.run({ x: input }, { into: { y: target } })).y).toBe(target);
    expect([...target.data]).toEqual([2, 4]);
    await fn.run({ x: input }, { into: { y: input } });
    expect([...input.data]).toEqual([2, 4]);
  });
});
