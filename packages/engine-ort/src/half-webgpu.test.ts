import {
  createRandom,
  float32,
  type HostTensor,
  named,
  referenceOps,
  type Shape,
  sizeOf,
  type TensorFunction,
} from '@dpar/tensor';
import { checkCase, findMismatch, usableEngine } from '@dpar/tensor/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { createOrtEngine } from './index.js';

const random = (shape: Shape, salt = 0): HostTensor =>
  float32(shape, createRandom(7, salt, ...shape).fillNormal(new Float32Array(sizeOf(shape))));
const ones = (shape: Shape): HostTensor => float32(shape, new Float32Array(sizeOf(shape)).fill(1));

/** With a GPU that has the feature shader-f16, or with a software driver such as Mesa's. */
const engine = await usableEngine(() => createOrtEngine({ device: 'webgpu', precision: 'float16', threads: 1 }));
afterAll(() => engine?.dispose());

/** Relative to the standard deviation of sums of normally distributed products: two roundings, and those of the sum. */
const tolerance = (terms: number) => ({ relative: 0.002, absolute: 0.03 * Math.sqrt(terms) });

const product =
  (attributes: { transposeA?: boolean; transposeB?: boolean; scale?: number }): TensorFunction =>
  (ops, inputs) => ({ y: ops.matmul(named(inputs, 'a'), named(inputs, 'b'), attributes) });

describe.skipIf(engine === undefined)('float16 on WebGPU', () => {
  if (engine === undefined) return;

  it.each<[string, Shape, Shape, number, Parameters<typeof product>[0]]>([
    ['x W^T', [40, 96], [64, 96], 96, { transposeB: true }],
    ['with a batch', [2, 33, 96], [64, 96], 96, { transposeB: true }],
    ['of heads, scaled', [2, 2, 40, 32], [2, 2, 48, 32], 32, { transposeB: true, scale: 0.125 }],
    ['with a batch of one on the right', [3, 40, 64], [1, 64, 36], 64, {}],
    ['g^T x', [512, 40], [512, 36], 512, { transposeA: true }],
    ['g^T x over many rows', [1536, 33], [1536, 32], 1536, { transposeA: true }],
    ['g^T x over rows in uneven parts', [1026, 33], [1026, 32], 1026, { transposeA: true }],
    ['x W^T with long rows', [2, 20, 1536], [32, 1536], 1536, { transposeB: true }],
    ['x W with long rows, scaled', [33, 1536], [1536, 36], 1536, { scale: 0.25 }],
  ])('products %s', async (name, a, b, terms, attributes) => {
    const inputs = { a: random(a, 1), b: random(b, 2) };
    const conformanceCase = { name, fn: product(attributes), inputs, tolerance: tolerance(terms) };
    expect(await checkCase(engine, conformanceCase)).toBeUndefined();
  });

  it('sums that are large against their terms keep growing', async () => {
    const inputs = { a: ones([4096, 32]), b: ones([4096, 32]) };
    const { y } = await engine.compile(product({ transposeA: true })).run(inputs);
    expect(new Set(y?.data)).toEqual(new Set([4096]));
  });

  it('sums over an open number of rows', async () => {
    const compiled = engine.compile(product({ transposeA: true }), {
      dynamicAxes: { a: { 0: 'rows' }, b: { 0: 'rows' } },
    });
    for (const rows of [1100, 512, 40]) {
      const inputs = { a: random([rows, 33], 1), b: random([rows, 32], 2) };
      const expected = product({ transposeA: true })(referenceOps, inputs);
      expect(findMismatch(await compiled.run(inputs), expected, tolerance(rows)), `${rows} rows`).toBeUndefined();
    }
    expect(compiled.signatures).toBe(1);
  });

  it.each([
    ['short', [2, 8, 9, 9], [40, 8, 3, 3], 72],
    ['long', [1, 128, 6, 6], [32, 128, 3, 3], 1152],
  ] as const)('convolutions with %s sums', async (name, a, b, terms) => {
    const fn: TensorFunction = (ops, inputs) => ({
      y: ops.conv2d(named(inputs, 'a'), named(inputs, 'b'), { stride: 1, padding: [1, 1, 1, 1] }),
    });
    const inputs = { a: random(a, 1), b: random(b, 2) };
    expect(await checkCase(engine, { name, fn, inputs, tolerance: tolerance(terms) })).toBeUndefined();
  });

  it('masks and gradients of attention', async () => {
    const attention: TensorFunction = (ops, { q, k, v, mask }) => {
      const scores = ops.matmul(q as never, k as never, { transposeB: true, scale: 0.125 });
      return { y: ops.matmul(ops.softmax(ops.add(scores, mask as never)), v as never) };
    };
    const mask = float32(
      [64, 64],
      Float32Array.from({ length: 64 * 64 }, (_, i) => (i % 64 > i / 64 ? -1e30 : 0)),
    );
    const inputs = { q: random([2, 64, 64], 1), k: random([2, 64, 64], 2), v: random([2, 64, 64], 3), mask };
    expect(await checkCase(engine, { name: '', fn: attention, inputs, tolerance: tolerance(1) })).toBeUndefined();
  });
});
