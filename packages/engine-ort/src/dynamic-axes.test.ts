import {
  createRandom,
  createReferenceEngine,
  DparError,
  float32,
  type HostTensor,
  int32,
  named,
  type TensorFunction,
  type WeightFormat,
} from '@dpar/tensor';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createOrtEngine } from './index.js';

const engine = await createOrtEngine({ threads: 1 });
const reference = createReferenceEngine();
afterAll(() => engine.dispose());

function random(shape: number[], salt: number): HostTensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return float32(shape, createRandom(7, salt).fillNormal(new Float32Array(size)));
}

/** Attention of one position to L cached ones of R sequences, and a feed-forward layer: what generation needs. */
const step: TensorFunction = (ops, inputs) => {
  const [x, keys, places] = [named(inputs, 'x'), named(inputs, 'keys'), named(inputs, 'places')];
  const [, D = 0] = ops.shapeOf(x);
  const [C = 0, H = 0, L = 0, headDim = 0] = ops.shapeOf(keys);
  const [R = 0] = ops.shapeOf(x);
  const rotated = ops.reshape(ops.rotary(ops.reshape(x, [R, 1, D]), named(inputs, 'table')), [R, D]);
  const query = ops.reshape(ops.takeRows(rotated, places), [C, H, headDim, 1]);
  const scores = ops.reshape(ops.matmul(keys, query), [C, H, 1, L]);
  const weights = ops.softmax(
    ops.concat([ops.add(scores, named(inputs, 'mask')), ops.sum(query, { axes: 2, keepDims: true })], -1),
  );
  const [past, present] = ops.split(weights, -1, [L, 1]) as [typeof x, typeof x];
  const mixed = ops.reshape(ops.add(ops.matmul(past, keys), present), [C, D]);
  const gate = ops.silu(ops.matmul(mixed, named(inputs, 'w1'), { transposeB: true }));
  const up = ops.matmul(mixed, named(inputs, 'w3'), { transposeB: true });
  const down = ops.matmul(ops.mul(gate, up), named(inputs, 'w2'), { transposeB: true });
  return { y: ops.rmsNorm(ops.add(mixed, down), named(inputs, 'norm'), 1e-5), past };
};

const constants = { w1: random([40, 16], 1), w3: random([40, 16], 2), w2: random([16, 40], 3), norm: random([16], 4) };
const dynamicAxes = {
  x: { 0: 'active' },
  table: { 0: 'active' },
  keys: { 0: 'rows', 2: 'positions' },
  places: { 0: 'rows' },
  mask: { 0: 'rows', 3: 'positions' },
};

function inputsOf(R: number, C: number, L: number): Record<string, HostTensor> {
  return {
    x: random([R, 16], 5),
    table: random([R, 1, 4, 2], 6),
    keys: random([C, 2, L, 8], 7),
    places: int32(
      [C],
      Int32Array.from({ length: C }, (_, i) => i % R),
    ),
    mask: random([C, 1, 1, L], 8),
  };
}

function largestError(actual: HostTensor, expected: HostTensor): number {
  expect(actual.shape).toEqual(expected.shape);
  const errors = Array.from(expected.data, (value, i) => Math.abs(value - (actual.data[i] ?? Number.NaN)));
  return Math.max(...errors) / Math.max(...Array.from(expected.data, Math.abs));
}

describe('dynamic axes', () => {
  it('what is compiled for one size serves others, in three ranges of rows', async () => {
    const compiled = engine.compile(step, { constants, dynamicAxes });
    const oracle = reference.compile(step, { constants, dynamicAxes });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 80 }),
        fc.integer({ min: 1, max: 80 }),
        fc.integer({ min: 1, max: 300 }),
        async (R, C, L) => {
          const inputs = inputsOf(R, C, L);
          const [actual, expected] = [await compiled.run(inputs), await oracle.run(inputs)];
          expect(largestError(named(actual, 'y'), named(expected, 'y'))).toBeLessThan(1e-5);
          expect(largestError(named(actual, 'past'), named(expected, 'past'))).toBeLessThan(1e-5);
        },
      ),
      {
        numRuns: 60,
        examples: [
          [1, 1, 1],
          [5, 64, 2],
          [80, 3, 300],
        ],
      },
    );
    // The product with rows of the cached sequences depends on their number alone.
    expect(compiled.signatures).toBe(3);
  });

  it('writes outputs of open sizes to where they are wanted', async () => {
    const compiled = engine.compile((ops, { x }) => ({ y: ops.mul(x as NonNullable<typeof x>, 2) }), {
      dynamicAxes: { x: { 0: 'rows' } },
    });
    const y = float32([3, 2]);
    const result = await compiled.run({ x: random([3, 2], 1) }, { into: { y } });
    expect(result.y).toBe(y);
    expect(y.data[5]).toBe(Math.fround(2 * (random([3, 2], 1).data[5] as number)));
    await expect(compiled.run({ x: random([4, 2], 1) }, { into: { y } })).rejects.toThrow(
      "expected 'into.y' of float32[4, 2], got float32[3, 2]",
    );
    const device = await compiled.runOnDevice({ x: random([4, 2], 1) });
    expect(device.y?.type.shape).toEqual([4, 2]);
  });

  it('computes sizes that follow from open ones', async () => {
    const dynamicAxes = { x: { 0: 'rows', 1: 'positions' } };
    const fn: TensorFunction = (ops, tensors) => {
      const [x, b] = [named(tensors, 'x'), named(tensors, 'b')];
      const [R = 0, L = 0] = ops.shapeOf(x);
      const seen = ops.lessEqual(ops.reshape(ops.range(L), [1, L]), ops.reshape(ops.range(L), [L, 1]));
      return {
        broadcast: ops.broadcast(b, [R, L, 2]),
        moved: ops.reshape(x, [2, R, L]),
        split: ops.reshape(ops.range(3 * R * L), [3, L, R]),
        shorter: ops.broadcast(b, [L - 1, 2]),
        longer: ops.range(L + 2),
        sums: ops.matmul(ops.cast(seen, 'float32'), ops.reshape(ops.slice(x, 2, 0, 1), [R, L, 1])),
      };
    };
    const compiled = engine.compile(fn, { dynamicAxes });
    const oracle = reference.compile(fn);
    for (const [R, L] of [
      [3, 4],
      [1, 7],
      [5, 1],
    ] as const) {
      const inputs = { x: random([R, L, 2], 1), b: random([2], 2) };
      const [actual, expected] = [await compiled.run(inputs), await oracle.run(inputs)];
      expect(Object.keys(actual)).toEqual(Object.keys(expected));
      for (const name of ['broadcast', 'moved', 'split', 'shorter', 'longer'])
        expect(actual[name]).toEqual(expected[name]);
      expect(largestError(named(actual, 'sums'), named(expected, 'sums'))).toBeLessThan(1e-5);
    }
    expect(compiled.signatures).toBe(1);
  });

  it('turns by tables of open length, one for each sequence of a fixed number', async () => {
    const fn: TensorFunction = (ops, x) => ({ y: ops.rotary(named(x, 'x'), named(x, 'table')) });
    const compiled = engine.compile(fn, { dynamicAxes: { x: { 1: 'positions' }, table: { 1: 'positions' } } });
    const oracle = reference.compile(fn);
    for (const length of [5, 2, 9]) {
      const inputs = { x: random([3, length, 16], 1), table: random([3, length, 4, 2], 2) };
      const [actual, expected] = [await compiled.run(inputs), await oracle.run(inputs)];
      expect(largestError(named(actual, 'y'), named(expected, 'y'))).toBeLessThan(1e-5);
    }
    expect(compiled.signatures).toBe(1);
  });

  it('refuses sizes that do not follow from those of inputs', async () => {
    const fn: TensorFunction = (ops, { x, b }) => ({
      y: ops.broadcast(b as NonNullable<typeof b>, [(ops.shapeOf(x as NonNullable<typeof x>)[0] ?? 0) - 100, 2]),
    });
    const running = engine
      .compile(fn, { dynamicAxes: { x: { 0: 'rows' } } })
      .run({ x: random([300], 1), b: random([2], 2) });
    await expect(running).rejects.toThrow('expected sizes that depend only on sizes of inputs, got size ');
    await expect(running).rejects.toBeInstanceOf(DparError);
  });

  it('refuses two sizes of one name', async () => {
    const compiled = engine.compile((ops, x) => ({ y: ops.add(named(x, 'a'), named(x, 'b')) }), {
      dynamicAxes: { a: { 0: 'rows' }, b: { 0: 'rows' } },
    });
    await expect(compiled.run({ a: random([3], 1), b: random([1], 1) })).rejects.toThrow(
      "expected one size 'rows', got 3 and, for axis 0 of 'b', 1",
    );
  });
});

describe.each<WeightFormat>(['int8', 'int4'])('weights of %s', (weights) => {
  it.each([1, 6, 70])('multiply like the rounded matrices, %i rows', async (rows) => {
    const fn: TensorFunction = (ops, x) => ({
      y: ops.matmul(named(x, 'x'), named(x, 'w'), { transposeB: true }),
      // Neither transposed nor constant: left as they are.
      plain: ops.matmul(named(x, 'x'), named(x, 'v')),
    });
    // Columns that are no multiple of a block.
    const options = { constants: { w: random([24, 200], 1), v: random([200, 8], 2) }, weights };
    const inputs = { x: random([rows, 200], 3) };
    const [actual, expected, exact] = [
      await engine.compile(fn, options).run(inputs),
      await reference.compile(fn, options).run(inputs),
      await reference.compile(fn, { constants: options.constants }).run(inputs),
    ];
    // ONNX Runtime rounds what is multiplied to 8 bits as well.
    expect(largestError(named(actual, 'y'), named(expected, 'y'))).toBeLessThan(0.02);
    expect(largestError(named(actual, 'plain'), named(exact, 'plain'))).toBeLessThan(1e-5);
    const rounding = largestError(named(expected, 'y'), named(exact, 'y'));
    expect(rounding).toBeGreaterThan(1e-4);
    expect(rounding).toBeLessThan(weights === 'int8' ? 0.02 : 0.2);
  });
});
