import {
  createRandom,
  createReferenceEngine,
  float32,
  type HostTensor,
  type MatmulOptions,
  named,
  type Shape,
  sizeOf,
  type TensorFunction,
} from '@dpar/tensor';
import { findMismatch } from '@dpar/tensor/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { createOrtEngine } from './engine.js';
import { reachable } from './graph/node.js';
import type { Rules } from './graph/rule.js';
import { simplifications } from './graph/simplify.js';
import { rewrite, type TraceOptions, trace } from './graph/trace.js';
import { processorRules } from './matmul.js';

/** Primitives of what a function becomes for processors, in order. */
function primitives(
  fn: TensorFunction,
  shapes: Record<string, Shape>,
  options: TraceOptions = {},
  rules: Rules = processorRules,
): string[] {
  const inputs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, float32(shape)]));
  const { outputs } = rewrite(trace(fn, inputs, options), rules);
  return reachable(Object.values(outputs)).flatMap((node) => (node.kind === 'operation' ? [node.primitive] : []));
}

describe('products of some rows with a constant matrix', () => {
  const feedForward = (rows: number): string[] => {
    const fn: TensorFunction = (ops, x) => {
      const h = named(x, 'x');
      const product = (a: typeof h, w: string) => ops.matmul(a, named(x, w), { transposeB: true });
      return { y: product(ops.mul(ops.silu(product(h, 'w1')), product(h, 'w3')), 'w2') };
    };
    const constants = {
      w1: float32([40, 16]),
      w3: float32([40, 16], new Float32Array(640).fill(1)),
      w2: float32([16, 40]),
    };
    return primitives(fn, { x: [rows, 16] }, { constants });
  };

  it('have the matrix first, and are transposed once at the end', () => {
    const untransposed = ['matmul', 'silu', 'matmul', 'mul', 'matmul'];
    expect(feedForward(4)).toEqual(untransposed);
    expect(feedForward(5)).toEqual([...untransposed, 'transpose']);
    expect(feedForward(64)).toEqual([...untransposed, 'transpose']);
    expect(feedForward(65)).toEqual(untransposed);
  });
});

describe('products whose rows would drive each other out of the cache', () => {
  const product =
    (options: MatmulOptions): TensorFunction =>
    (ops, x) => ({ y: ops.matmul(named(x, 'a'), named(x, 'b'), options) });
  const padded = ['pad', 'pad', 'matmul'];

  it('get a line of zeros', () => {
    const plain = product({});
    expect(primitives(plain, { a: [256, 1024], b: [1024, 256] })).toEqual(padded);
    expect(primitives(plain, { a: [2, 128, 3072], b: [3072, 256] })).toEqual(padded);
    expect(primitives(product({ transposeB: true }), { a: [256, 1024], b: [256, 1024] })).toEqual(padded);
    expect(primitives(product({ transposeA: true }), { a: [1024, 256], b: [1024, 256] })).toEqual(padded);
  });

  it('are left alone where that gains nothing', () => {
    const plain = product({});
    expect(primitives(plain, { a: [256, 1000], b: [1000, 256] })).toEqual(['matmul']);
    expect(primitives(plain, { a: [256, 1536], b: [1536, 256] })).toEqual(['matmul']);
    expect(primitives(plain, { a: [128, 1024], b: [1024, 128] })).toEqual(['matmul']);
    expect(primitives(plain, { a: [2, 256, 1024], b: [2, 1024, 256] })).toEqual(['matmul']);
    expect(primitives(plain, { a: [256, 1024], b: [1024, 256] }, {}, simplifications)).toEqual(['matmul']);
  });

  it('need rows that are read side by side, whatever is copied before', () => {
    const of = (rows: number) =>
      primitives(product({}), { a: [rows, 1024] }, { constants: { b: float32([1024, 256]) } });
    expect(of(8)).toEqual(['matmul']);
    expect(of(9)).toEqual(padded);
  });

  const engine = createOrtEngine({ threads: 1 });
  afterAll(async () => (await engine).dispose());

  const random = (shape: Shape, salt: number): HostTensor =>
    float32(shape, createRandom(7, salt).fillNormal(new Float32Array(sizeOf(shape))));

  it.each<[string, MatmulOptions, Shape, Shape]>([
    ['a b', {}, [2, 128, 1024], [1024, 256]],
    ['a b^T', { transposeB: true, scale: 0.5 }, [256, 1024], [256, 1024]],
    ['a^T b', { transposeA: true }, [1024, 256], [1024, 256]],
    ['a^T b^T', { transposeA: true, transposeB: true }, [1024, 256], [256, 1024]],
  ])('are the same: %s', async (_, options, left, right) => {
    const fn = product(options);
    const inputs = { a: random(left, 1), b: random(right, 2) };
    const expected = await createReferenceEngine().compile(fn).run(inputs);
    const tolerance = { relative: 1e-4, absolute: 1e-4 };
    const ort = await engine;
    expect(findMismatch(await ort.compile(fn).run(inputs), expected, tolerance)).toBeUndefined();
    const { a, b } = inputs;
    const known = ort.compile(fn, { constants: { b } });
    expect(findMismatch(await known.run({ a }), expected, tolerance)).toBeUndefined();
    if (options.transposeA) return;
    // Of any number of rows.
    const open = ort.compile(fn, { dynamicAxes: { a: { 0: 'rows' } } });
    expect(findMismatch(await open.run(inputs), expected, tolerance)).toBeUndefined();
    const one = { a: random([1, ...left.slice(1)], 3), b };
    const expectedOfOne = await createReferenceEngine().compile(fn).run(one);
    expect(findMismatch(await open.run(one), expectedOfOne, tolerance)).toBeUndefined();
    expect(open.signatures).toBe(1);
  });
});
