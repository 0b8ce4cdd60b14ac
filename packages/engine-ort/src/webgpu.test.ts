import { float32, named, type TensorFunction } from '@dpar/tensor';
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

  it('writes into given tensors, also those of the inputs', async () => {
    const fn = engine.compile(double);
    const [input, target] = [float32([2], [1, 2]), float32([2])];
    expect((await fn.run({ x: input }, { into: { y: target } })).y).toBe(target);
    expect([...target.data]).toEqual([2, 4]);
    await fn.run({ x: input }, { into: { y: input } });
    expect([...input.data]).toEqual([2, 4]);
  });
});
