import { createRandom, float32, type HostTensor, named, type TensorFunction, type WeightFormat } from '@dpar/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { createOrtEngine } from './index.js';

const engine = await createOrtEngine({ threads: 1 });
afterAll(() => engine.dispose());

const [K, N] = [160, 96] as const;

function random(shape: number[], salt: number): HostTensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return float32(shape, createRandom(9, salt).fillNormal(new Float32Array(size)));
}

const product: TensorFunction = (ops, inputs) => ({
  y: ops.matmul(named(inputs, 'x'), named(inputs, 'w'), { transposeB: true, scale: 0.5 }),
});

describe.each<WeightFormat>(['int8', 'int4'])('a product with weights of %s', (weights) => {
  it.each([
    ['any number of rows', { x: { 0: 'rows' } } as const],
    ['rows that are known', undefined],
  ])('gives each row the same bits among %s', async (_, dynamicAxes) => {
    const constants = { w: random([N, K], 1) };
    const compiled = engine.compile(product, { constants, weights, ...(dynamicAxes && { dynamicAxes }) });
    const x = random([12, K], 2).data as Float32Array;
    const all = named(await compiled.run({ x: float32([12, K], x) }), 'y').data;
    for (const rows of [1, 2, 3, 5, 7, 11]) {
      const y = named(await compiled.run({ x: float32([rows, K], x.slice(0, rows * K)) }), 'y');
      expect(y.shape).toEqual([rows, N]);
      expect(y.data).toEqual(all.slice(0, rows * N));
    }
    // Rows of several axes are rows too.
    const deep = engine.compile(product, { constants, weights, ...(dynamicAxes && { dynamicAxes }) });
    const y = named(await deep.run({ x: float32([3, 1, K], x.slice(0, 3 * K)) }), 'y');
    expect(y.shape).toEqual([3, 1, N]);
    expect(y.data).toEqual(all.slice(0, 3 * N));
    await Promise.all([compiled.dispose(), deep.dispose()]);
  });
});
