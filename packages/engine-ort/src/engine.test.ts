import {
  createRandom,
  DparError,
  float32,
  type HostTensor,
  int32,
  named,
  type Ops,
  type TensorFunction,
  type Tensors,
  valueAndGradients,
} from '@dpar/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { createOrtEngine, exportOnnx } from './index.js';

const engine = await createOrtEngine({ threads: 1 });
afterAll(() => engine.dispose());

const addAndScale: TensorFunction = (ops, inputs) => {
  const sum = ops.add(named(inputs, 'a'), named(inputs, 'b'));
  return { sum, scaled: ops.mul(sum, 10) };
};
const a = float32([2], [1, 2]);
const b = float32([2], [3, 4]);

async function expectRejection(promise: Promise<unknown>, message: string) {
  await expect(promise).rejects.toThrow(message);
  await expect(promise).rejects.toBeInstanceOf(DparError);
}

function random(shape: number[], salt: number): HostTensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return float32(shape, createRandom(7, salt).fillNormal(new Float32Array(size)));
}

describe('run', () => {
  it('takes constants given once, with any name', async () => {
    const fn = engine.compile(addAndScale, { constants: { b } });
    expect((await fn.run({ a })).sum).toEqual(float32([2], [4, 6]));
    await expectRejection(fn.run({ a, b }), "run: expected inputs that are not constants, got 'b'");
  });

  it('slices to the end of long axes', async () => {
    const length = 1_200_000;
    const x = int32(
      [length],
      Int32Array.from({ length }, (_, i) => i),
    );
    const fn = engine.compile((ops, inputs) => ({ y: ops.slice(named(inputs, 'x'), 0, length - 2, 2) }));
    expect((await fn.run({ x })).y).toEqual(int32([2], [length - 2, length - 1]));
  });

  it('compiles once for each signature, whatever the order of the inputs', async () => {
    const fn = engine.compile(addAndScale);
    expect(fn.signatures).toBe(0);
    await fn.run({ a, b });
    await fn.run({ b: a, a: b });
    expect(fn.signatures).toBe(1);
    await fn.run({ a, b: float32([1], [1]) });
    await fn.run({ a: int32([2]), b: int32([2]) });
    expect(fn.signatures).toBe(3);
  });

  it('traces once for calls that come together', async () => {
    let traces = 0;
    const fn = engine.compile((ops, inputs) => {
      traces++;
      return addAndScale(ops, inputs);
    });
    const results = await Promise.all([fn.run({ a, b }), fn.run({ a: b, b }), fn.runOnDevice({ a, b })]);
    expect(traces).toBe(1);
    expect(results[0].sum).toEqual(float32([2], [4, 6]));
    expect(results[1].sum).toEqual(float32([2], [6, 8]));
    expect(await results[2].sum?.read()).toEqual(float32([2], [4, 6]));
  });

  it('writes into given tensors, also where an output is an input, a constant or another output', async () => {
    const fn = engine.compile((ops, inputs) => {
      const x = named(inputs, 'a');
      const y = ops.exp(x);
      return { x, y, again: y, constant: ops.constant(float32([2], [5, 6])), turned: ops.reshape(y, [1, 2]) };
    });
    const into = {
      x: float32([2]),
      y: float32([2]),
      again: float32([2]),
      constant: float32([2]),
      turned: float32([1, 2]),
    };
    const buffers = Object.values(into).map(({ data }) => data);
    const outputs = await fn.run({ a: float32([2], [0, 0]) }, { into });
    for (const [name, target] of Object.entries(into)) expect(outputs[name]).toBe(target);
    expect(Object.values(into).map(({ data }) => data)).toEqual(buffers);
    expect(buffers.map((data) => [...data])).toEqual([
      [0, 0],
      [1, 1],
      [1, 1],
      [5, 6],
      [1, 1],
    ]);
  });

  it('writes where views of a larger buffer point', async () => {
    const buffer = new Float32Array(8).fill(9);
    const target = { dtype: 'float32', shape: [2], data: buffer.subarray(3, 5) } as const;
    const input = { dtype: 'float32', shape: [2], data: Float32Array.of(0, 0, 1, 2).subarray(2) } as const;
    await engine.compile(addAndScale).run({ a: input, b }, { into: { sum: target } });
    expect([...buffer]).toEqual([9, 9, 9, 4, 6, 9, 9, 9]);
  });

  it('reads all inputs before their memory is overwritten', async () => {
    const data = Float32Array.of(1, 2, 3, 4, 5);
    const [x, y] = [float32([3], data.subarray(0, 3)), float32([2], data.subarray(3))];
    const fn = engine.compile((ops, inputs) => {
      const [first, second] = [named(inputs, 'x'), named(inputs, 'y')];
      const changed = ops.mul(first, 10);
      // Reads x after the change was made, and what was after x in memory.
      return { changed, sum: ops.add(ops.sum(ops.add(changed, first)), ops.sum(second)), y: ops.neg(second) };
    });
    const { sum } = await fn.run({ x, y }, { into: { changed: x, y } });
    expect([...data]).toEqual([10, 20, 30, -4, -5]);
    expect(sum?.data[0]).toBe(66 + 9);
    const { changed } = await fn.run({ x, y }, { into: { changed: float32([3], data.subarray(1, 4)) } });
    expect([...(changed?.data ?? [])]).toEqual([100, 200, 300]);
  });

  it('returns tensors of their own', async () => {
    const fn = engine.compile((_, inputs) => ({ y: named(inputs, 'a') }));
    const [first, second] = [await fn.run({ a }), await fn.run({ a: b })];
    expect(first.y).toEqual(a);
    expect(second.y).toEqual(b);
    expect(first.y?.data).not.toBe(a.data);
  });

  it('gives outputs the names of inputs', async () => {
    const fn = engine.compile((ops, inputs) => ({
      a: ops.add(named(inputs, 'a'), 1),
      'a.out': named(inputs, 'b'),
      b: ops.neg(named(inputs, 'b')),
    }));
    expect(await fn.run({ a, b })).toEqual({ a: float32([2], [2, 3]), 'a.out': b, b: float32([2], [-3, -4]) });
  });

  it('gives the same bits each time, and the same results with one thread and with two', async () => {
    const parallel = await createOrtEngine({ threads: 2 });
    const step: TensorFunction = (ops, inputs) => {
      const { gradients } = valueAndGradients(
        ops,
        (o, { table, weight, indices }) => {
          const rows = o.takeRows(table as NonNullable<typeof table>, indices as NonNullable<typeof indices>);
          const product = o.matmul(rows, weight as NonNullable<typeof weight>);
          return { loss: o.mean(o.square(o.logSoftmax(product))) };
        },
        inputs,
        { of: 'loss', by: ['table', 'weight'] },
      );
      return gradients;
    };
    // Many indices for few rows: each row is the sum of 100 gradients.
    const indices = int32(
      [700],
      Int32Array.from({ length: 700 }, (_, i) => (i * i) % 7),
    );
    const inputs = { table: random([7, 96], 1), weight: random([96, 200], 2), indices };
    const [one, two] = [engine.compile(step), parallel.compile(step)];
    const first = await two.run(inputs);
    for (let i = 0; i < 5; i++) expect(await two.run(inputs)).toEqual(first);
    const single = await one.run(inputs);
    for (const name of ['table', 'weight']) {
      const [x, y] = [single[name]?.data ?? [], first[name]?.data ?? []];
      const largest = Math.max(...Array.from(x, Math.abs));
      expect(Math.max(...Array.from(x, (value, i) => Math.abs(value - (y[i] ?? 0))))).toBeLessThan(1e-5 * largest);
    }
    await parallel.dispose();
  });
});

describe('errors', () => {
  const run = (inputs: Record<string, HostTensor>, into = {}) => engine.compile(addAndScale).run(inputs, { into });

  it('name inputs that are missing, also where the function does not check', async () => {
    await expectRejection(run({ a }), "'b'");
    const unchecked = engine.compile((ops, inputs) => ({ y: ops.neg(inputs.q as NonNullable<typeof inputs.q>) }));
    await expectRejection(unchecked.run({ a }), "run: expected the input 'q', got 'a'.");
    await expectRejection(unchecked.run({}), "run: expected the input 'q', got none.");
  });

  it('allow functions to look for inputs that may be missing', async () => {
    const optional = engine.compile((ops, inputs) => ({ y: inputs.q ?? ops.scalar(1) }));
    expect((await optional.run({})).y).toEqual(float32([], [1]));
  });

  it('of the function come through, each time', async () => {
    const fn = engine.compile(addAndScale);
    for (let i = 0; i < 2; i++)
      await expectRejection(fn.run({ a, b: float32([3]) }), 'add: expected shapes that broad');
    expect(fn.signatures).toBe(0);
    const failing = engine.compile(() => {
      throw new RangeError('its own');
    });
    await expect(failing.run({})).rejects.toThrow(RangeError);
  });

  it('reject tensors whose data are of another kind or length than their type', async () => {
    const short = { dtype: 'float32', shape: [2], data: new Float32Array(1) } as const;
    await expectRejection(run({ a, b: short }), "run: expected 'b' to hold the data of float32[2], got 1 elements");
    const doubles = { dtype: 'float32', shape: [2], data: new Float64Array(2) } as unknown as HostTensor;
    await expectRejection(run({ a, b: doubles }), 'of Float64Array. Make tensors with hostTensor.');
  });

  it('reject what is no tensor, and types that there are not', async () => {
    await expectRejection(
      run({ a, b: [1, 2] as unknown as HostTensor }),
      "run: expected 'b' to be a tensor, got [1, 2].",
    );
    const doubles = { dtype: 'float64', shape: [2], data: new Float64Array(2) } as unknown as HostTensor;
    await expectRejection(run({ a, b: doubles }), "expected 'b' of float32, int32 or bool, got float64");
  });

  it('reject a function that returns a tensor without a name, or nothing', async () => {
    const unnamed: unknown = (ops: Ops<HostTensor>, inputs: Tensors<HostTensor>) => ops.neg(named(inputs, 'a'));
    await expectRejection(
      engine.compile(unnamed as TensorFunction).run({ a }),
      'tensors by name, got a tensor. Return { y: ... }.',
    );
    const nothing = (() => undefined) as unknown as TensorFunction;
    await expectRejection(engine.compile(nothing).run({ a }), 'tensors by name, got undefined');
  });

  it('reject an unknown format of weights', () => {
    const options = { weights: 'float16' as 'float32' };
    const expected = "expected 'weights' to be 'float32' or 'int8' or 'int4', got 'float16'.";
    expect(() => engine.compile(addAndScale, options)).toThrow(expected);
    expect(() => exportOnnx(addAndScale, { a, b }, options)).toThrow(expected);
  });

  it("reject 'into' of another type or name", async () => {
    await expectRejection(run({ a, b }, { sum: float32([3]) }), "expected 'into.sum' of float32[2], got float32[3]");
    await expectRejection(
      run({ a, b }, { total: a }),
      "expected names of outputs in 'into' (sum, scaled), got 'total'",
    );
  });

  it('of ONNX Runtime name the function', async () => {
    const pickRow: TensorFunction = (ops, inputs) => ({ y: ops.takeRows(named(inputs, 'a'), named(inputs, 'i')) });
    await expectRejection(
      engine.compile(pickRow).run({ a, i: int32([1], [2]) }),
      "run: ONNX Runtime failed in 'pickRow': ",
    );
  });

  it('refuse a device that is none, and a number of threads', async () => {
    await expectRejection(
      createOrtEngine({ device: 'gpu' as 'cuda' }),
      "'device' to be 'cpu' or 'webgpu' or 'cuda', got 'gpu'",
    );
    await expectRejection(createOrtEngine({ threads: 0 }), "createOrtEngine: expected 'threads' to be a whole number");
    await expectRejection(createOrtEngine({ threads: 1.5 }), 'got 1.5');
  });
});

describe('tensors that stay with the engine', () => {
  it('go in, come out and are read', async () => {
    const fn = engine.compile(addAndScale);
    const uploaded = await engine.upload(a);
    expect(uploaded.type).toEqual({ dtype: 'float32', shape: [2] });
    const first = await fn.runOnDevice({ a: uploaded, b });
    const second = await fn.run({ a: named(first, 'sum'), b });
    expect(second.sum).toEqual(float32([2], [7, 10]));
    expect(await first.scaled?.read()).toEqual(float32([2], [40, 60]));
  });

  it('do not change with the host tensor', async () => {
    const host = float32([1], [1]);
    const uploaded = await engine.upload(host);
    host.data[0] = 5;
    expect([...(await uploaded.read()).data]).toEqual([1]);
  });

  it('cannot be used after they were disposed', async () => {
    const uploaded = await engine.upload(a);
    uploaded.dispose();
    uploaded.dispose();
    await expectRejection(uploaded.read(), 'expected a live tensor');
    await expectRejection(engine.compile(addAndScale).run({ a: uploaded, b }), 'expected a live tensor');
  });

  it('of another engine are rejected', async () => {
    const foreign = { type: { dtype: 'float32', shape: [2] }, read: async () => a, dispose: () => {} } as const;
    await expectRejection(
      engine.compile(addAndScale).run({ a: foreign, b }),
      "expected 'a' to be a host tensor or a tensor of this engine",
    );
  });
});

describe('dispose', () => {
  it('of a function ends it, also while it compiles', async () => {
    const fn = engine.compile(addAndScale);
    const running = fn.run({ a, b });
    await Promise.all([fn.dispose(), running.catch(() => {})]);
    await expectRejection(fn.run({ a, b }), 'run: expected a live function');
    await fn.dispose();
  });

  it('of the engine ends its functions', async () => {
    const other = await createOrtEngine({ threads: 1 });
    const fn = other.compile(addAndScale);
    await fn.run({ a, b });
    await other.dispose();
    await expectRejection(fn.run({ a, b }), 'run: expected a live function');
  });
});

it('the name says what computes', () => {
  expect(engine.name).toMatch(/^onnxruntime-node \d+\.\d+\.\d+ \(cpu, 1 thread\)$/);
});
