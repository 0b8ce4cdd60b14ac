import {
  createRandom,
  createReferenceEngine,
  DparError,
  float32,
  type HostTensor,
  int32,
  named,
  type TensorFunction,
  valueAndGradients,
  type WeightFormat,
} from '@dpar/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { tfjsEngine } from './index.js';
import { counts, createEngine, expectNoLeak, registeredAs, testedBackends } from './testing/backends.js';

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

function largestError(actual: HostTensor, expected: HostTensor): number {
  expect(actual.shape).toEqual(expected.shape);
  const errors = Array.from(expected.data, (value, i) => Math.abs(value - (actual.data[i] ?? Number.NaN)));
  return Math.max(...errors) / Math.max(...Array.from(expected.data, Math.abs));
}

describe.each(testedBackends)('the engine on %s', async (backend) => {
  const engine = await createEngine(backend);
  const other = await createEngine(backend === 'cpu' ? 'wasm' : 'cpu');
  const reference = createReferenceEngine();
  afterAll(() => engine.dispose());

  describe('run', () => {
    it('takes constants given once, with any name', async () => {
      const fn = engine.compile(addAndScale, { constants: { b } });
      expect((await expectNoLeak(() => fn.run({ a }))).sum).toEqual(float32([2], [4, 6]));
      await expectRejection(fn.run({ a, b }), "run: expected inputs that are not constants, got 'b'");
      await fn.dispose();
    });

    it('keeps constants as they were', async () => {
      const own = float32([2], [3, 4]);
      const fn = engine.compile(addAndScale, { constants: { b: own } });
      own.data[0] = 100;
      expect((await fn.run({ a })).sum).toEqual(float32([2], [4, 6]));
      await fn.dispose();
    });

    it('records once for each signature, whatever the order of the inputs', async () => {
      let calls = 0;
      const fn = engine.compile((ops, inputs) => {
        calls++;
        return addAndScale(ops, inputs);
      });
      expect(fn.signatures).toBe(0);
      await fn.run({ a, b });
      await fn.run({ b: a, a: b });
      expect([fn.signatures, calls]).toEqual([1, 1]);
      await fn.run({ a, b: float32([1], [1]) });
      await fn.run({ a: int32([2]), b: int32([2]) });
      expect([fn.signatures, calls]).toEqual([3, 3]);
    });

    it('gives calls that come together their own results', async () => {
      const fn = engine.compile(addAndScale);
      const results = await Promise.all([fn.run({ a, b }), fn.run({ a: b, b }), fn.runOnDevice({ a, b })]);
      expect(results[0].sum).toEqual(float32([2], [4, 6]));
      expect(results[1].sum).toEqual(float32([2], [6, 8]));
      expect(await results[2].sum?.read()).toEqual(float32([2], [4, 6]));
      for (const tensor of Object.values(results[2])) tensor.dispose();
    });

    it('goes on with its backend where another has become the current one', async () => {
      const [mine, others] = [engine.compile(addAndScale), other.compile(addAndScale)];
      const results = await expectNoLeak(() =>
        Promise.all([mine.run({ a, b }), others.run({ a: b, b }), mine.run({ a: b, b: a }), others.run({ a, b })]),
      );
      expect(results.map(({ sum }) => [...(sum?.data ?? [])])).toEqual([
        [4, 6],
        [6, 8],
        [4, 6],
        [4, 6],
      ]);
      // Engines share tensors within a namespace. The native package has one of its own.
      if (backend === 'node') return;
      const uploaded = await other.upload(a);
      expect((await mine.run({ a: uploaded, b })).sum).toEqual(float32([2], [4, 6]));
      uploaded.dispose();
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
      const outputs = await expectNoLeak(() => fn.run({ a: float32([2], [0, 0]) }, { into }));
      for (const [name, target] of Object.entries(into)) expect(outputs[name]).toBe(target);
      expect(Object.values(into).map(({ data }) => [...data])).toEqual([
        [0, 0],
        [1, 1],
        [1, 1],
        [5, 6],
        [1, 1],
      ]);
    });

    it('reads all inputs before their memory is overwritten', async () => {
      const data = Float32Array.of(1, 2, 3, 4, 5);
      const [x, y] = [float32([3], data.subarray(0, 3)), float32([2], data.subarray(3))];
      const fn = engine.compile((ops, inputs) => {
        const [first, second] = [named(inputs, 'x'), named(inputs, 'y')];
        return { changed: ops.mul(first, 10), same: ops.reshape(first, [3, 1]), y: ops.neg(second) };
      });
      const { same } = await fn.run({ x, y }, { into: { changed: x, y } });
      expect([...data]).toEqual([10, 20, 30, -4, -5]);
      expect([...(same?.data ?? [])]).toEqual([1, 2, 3]);
    });

    it('returns tensors of their own', async () => {
      const host = float32([4], [1, 2, 3, 4]);
      const fn = engine.compile((ops, inputs) => {
        const x = named(inputs, 'a');
        return { x, y: ops.reshape(x, [2, 2]), half: ops.slice(x, 0, 0, 2), all: ops.slice(x, 0, 0, 4) };
      });
      const outputs = await fn.run({ a: host });
      for (const { data } of Object.values(outputs)) {
        expect(data.buffer).not.toBe(host.data.buffer);
        expect(data.byteLength).toBe(data.buffer.byteLength);
        data.fill(9);
      }
      expect([...host.data]).toEqual([1, 2, 3, 4]);
      const buffers = Object.values(outputs).map(({ data }) => data.buffer);
      expect(new Set(buffers).size).toBe(4);
    });

    it('gives outputs the names of inputs', async () => {
      const fn = engine.compile((ops, inputs) => ({
        a: ops.add(named(inputs, 'a'), 1),
        b: ops.neg(named(inputs, 'b')),
      }));
      expect(await fn.run({ a, b })).toEqual({ a: float32([2], [2, 3]), b: float32([2], [-3, -4]) });
    });

    it('serves sizes that change from call to call', async () => {
      const fn = engine.compile((ops, inputs) => ({ y: ops.sum(ops.square(named(inputs, 'x'))) }), {
        dynamicAxes: { x: { 0: 'rows' } },
      });
      await expectNoLeak(async () => {
        for (let rows = 1; rows <= 70; rows++) {
          const { y } = await fn.run({ x: float32([rows], new Float32Array(rows).fill(2)) });
          expect(y?.data[0]).toBe(4 * rows);
        }
      });
      expect(fn.signatures).toBe(70);
    });
  });

  describe('memory', () => {
    it('holds what is still needed and nothing else', async () => {
      const size = 10_000;
      const largest: number[] = [];
      const chain: TensorFunction = (ops, inputs) => {
        let x = named(inputs, 'x');
        for (let i = 0; i < 20; i++) x = ops.exp(ops.neg(x));
        return { x: ops.rmsNorm(ops.reshape(x, [100, 100]), ops.constant(float32([100])), 1) };
      };
      const start = counts().bytes;
      const watched = new Proxy(tf, {
        get: (target, name) => {
          if (name === 'neg' || name === 'square') largest.push(counts().bytes - start);
          return Reflect.get(target, name);
        },
      });
      await tf.setBackend(registeredAs(backend));
      const fn = tfjsEngine(watched as typeof tf).compile(chain);
      await fn.run({ x: random([size], 1) });
      expect(largest).toHaveLength(21);
      expect(Math.max(...largest)).toBeLessThan(3 * 4 * size);
    });

    it('is what it was after errors, wherever they come', async () => {
      const names = ['input', 'middle', 'output'] as const;
      for (const failing of names) {
        const fn = engine.compile((ops, inputs) => {
          const rows = ops.mul(named(inputs, 'x'), 2);
          const table = ops.rotary(ops.reshape(rows, [1, 2, 2]), ops.constant(float32([1, 2, 1, 2], [1, 0, 0, 1])));
          const index = (name: string) => ops.constant(int32([1], [name === failing ? 7 : 1]));
          const first = ops.takeRows(ops.reshape(table, [2, 2]), index('input'));
          const second = ops.scatterAddRows(ops.matmul(first, rows), index('middle'), 3);
          return {
            rows,
            result: ops.takeLast(ops.softmax(second), ops.concat([index('output'), index(''), index('')], 0)),
          };
        });
        await expectNoLeak(() => expectRejection(fn.run({ x: random([2, 2], 1) }), 'got 7 at place 0'));
        await expectNoLeak(() => expectRejection(fn.runOnDevice({ x: random([2, 2], 1) }), 'expected indices from 0'));
      }
    });

    it('is what it was after errors of outputs and names', async () => {
      const fn = engine.compile(addAndScale);
      const run = (inputs: Record<string, HostTensor>, into = {}) => fn.run(inputs, { into });
      await expectNoLeak(async () => {
        await expectRejection(
          run({ a, b }, { sum: float32([3]) }),
          "expected 'into.sum' of float32[2], got float32[3]",
        );
        await expectRejection(
          run({ a, b }, { total: a }),
          "expected names of outputs in 'into' (sum, scaled), got 'total'",
        );
        await expectRejection(run({ a }), "'b'");
      });
    });

    it('is left to the caller where outputs stay', async () => {
      const fn = engine.compile((ops, inputs) => ({ x: named(inputs, 'a'), y: ops.neg(named(inputs, 'a')) }));
      await expectNoLeak(async () => {
        const uploaded = await engine.upload(a);
        const outputs = await fn.runOnDevice({ a: uploaded });
        uploaded.dispose();
        expect(await outputs.x?.read()).toEqual(a);
        expect(await outputs.y?.read()).toEqual(float32([2], [-1, -2]));
        for (const tensor of Object.values(outputs)) tensor.dispose();
      });
    });

    it('is free of what a call computes a second time', async () => {
      const layer: TensorFunction = (ops, inputs) => ({ x: ops.tanh(ops.mul(ops.sigmoid(named(inputs, 'x')), 2)) });
      const peakOf = async (recompute: boolean): Promise<number> => {
        const loss: TensorFunction = (ops, inputs) => {
          let x = named(inputs, 'x');
          for (let i = 0; i < 20; i++) x = named(recompute ? ops.recompute(layer, { x }) : layer(ops, { x }), 'x');
          return { loss: ops.sum(x) };
        };
        let peak = 0;
        const watched = new Proxy(tf, {
          get: (target, name) => {
            peak = Math.max(peak, counts().bytes);
            return Reflect.get(target, name);
          },
        });
        await tf.setBackend(registeredAs(backend));
        const start = counts().bytes;
        const fn = tfjsEngine(watched as typeof tf).compile(
          (ops, inputs) => valueAndGradients(ops, loss, inputs, { of: 'loss', by: ['x'] }).gradients,
        );
        await fn.run({ x: random([10_000], 1) });
        return (peak - start) / 40_000;
      };
      expect(await peakOf(true)).toBeLessThan(0.65 * (await peakOf(false)));
    });
  });

  describe('errors', () => {
    it('name inputs that are missing, also where the function does not check', async () => {
      const unchecked = engine.compile((ops, inputs) => ({ y: ops.neg(inputs.q as NonNullable<typeof inputs.q>) }));
      await expectRejection(unchecked.run({ a }), "run: expected the input 'q', got 'a'.");
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
      await expectRejection(
        engine.compile(addAndScale).run({ a, b: short }),
        "run: expected 'b' to hold the data of float32[2], got 1 elements",
      );
    });

    it('of TensorFlow.js name the function and the primitive', async () => {
      const broken = new Proxy(tf, {
        get: (target, name) =>
          name === 'tanh'
            ? () => {
                throw new Error('no such kernel');
              }
            : Reflect.get(target, name),
      });
      await tf.setBackend(registeredAs(backend));
      const flatten: TensorFunction = (ops, inputs) => ({ y: ops.tanh(ops.exp(named(inputs, 'a'))) });
      const fn = tfjsEngine(broken as typeof tf).compile(flatten);
      await expectNoLeak(() =>
        expectRejection(fn.run({ a }), "run: TensorFlow.js failed in 'flatten', at tanh: no such kernel"),
      );
    });
  });

  describe('tensors that stay with the engine', () => {
    it('do not change with the host tensor', async () => {
      const host = float32([1], [1]);
      const uploaded = await engine.upload(host);
      host.data[0] = 5;
      expect([...(await uploaded.read()).data]).toEqual([1]);
      uploaded.dispose();
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

  it.each<WeightFormat>(['float32', 'int8', 'int4'])(
    'multiplies with weights of %s as the reference does',
    async (weights) => {
      const fn: TensorFunction = (ops, x) => ({
        y: ops.matmul(named(x, 'x'), named(x, 'w'), { transposeB: true }),
        scaled: ops.matmul(named(x, 'x'), named(x, 'u'), { transposeB: true, scale: 0.25 }),
        rows: ops.takeRows(named(x, 'u'), ops.constant(int32([2], [3, 0]))),
        plain: ops.matmul(named(x, 'x'), named(x, 'v')),
      });
      const options = {
        constants: { w: random([24, 200], 1), u: random([24, 200], 4), v: random([200, 8], 2) },
        weights,
      };
      const empty = counts();
      const compiled = engine.compile(fn, options);
      for (const rows of [1, 6, 70]) {
        const inputs = { x: random([rows, 200], 3) };
        // 'u' is multiplied with and read too: the first call makes its second copy.
        const before = counts();
        const actual = await compiled.run(inputs);
        if (rows > 1) expect(counts()).toEqual(before);
        const expected = await reference.compile(fn, options).run(inputs);
        for (const name of ['y', 'scaled', 'rows', 'plain']) {
          expect(largestError(named(actual, name), named(expected, name)), name).toBeLessThan(1e-6);
        }
      }
      await compiled.dispose();
      expect(counts()).toEqual(empty);
    },
  );

  it('has no more in memory for a prepared matrix than for the constant', async () => {
    const constants = { w: random([24, 200], 1) };
    const fn: TensorFunction = (ops, x) => ({ y: ops.matmul(named(x, 'x'), named(x, 'w'), { transposeB: true }) });
    const compiled = engine.compile(fn, { constants, weights: 'int8' });
    await expectNoLeak(() => compiled.run({ x: random([3, 200], 3) }));
    await compiled.dispose();
  });

  it.each([
    [[20, 5], [5, 9], {}],
    [[5, 20], [9, 5], { transposeA: true, transposeB: true }],
    [[3, 20, 5], [3, 5, 9], {}],
    [[3, 5, 20], [3, 9, 5], { transposeA: true, transposeB: true, scale: 3 }],
    [[2, 3, 20, 5], [3, 5, 9], {}],
    [[3, 5, 20], [5, 9], { transposeA: true }],
    [[20, 5], [3, 9, 5], { transposeB: true }],
    [[2, 1, 20, 5], [4, 5, 9], { scale: 0.5 }],
    [[1, 20, 5], [4, 5, 9], {}],
    [[9, 0], [0, 4], {}],
    [[3, 9, 4], [3, 4, 0], {}],
  ] as const)('multiplies matrices large enough for the quick ways: %j %j %j', async (left, right, options) => {
    const fn: TensorFunction = (ops, x) => ({ y: ops.matmul(named(x, 'l'), named(x, 'r'), options) });
    const inputs = { l: random([...left], 1), r: random([...right], 2) };
    const [actual, expected] = [await engine.compile(fn).run(inputs), await reference.compile(fn).run(inputs)];
    if (named(expected, 'y').data.length === 0 || left.includes(0 as never)) expect(actual).toEqual(expected);
    else expect(largestError(named(actual, 'y'), named(expected, 'y'))).toBeLessThan(1e-6);
  });

  it.each(['takeRows', 'scatterAddRows', 'takeRowsOnce', 'takeLast', 'scatterLast'] as const)(
    'refuses indices outside, as the reference does: %s',
    async (primitive) => {
      const fn: TensorFunction = (ops, x) => {
        const [rows, indices] = [named(x, 'rows'), named(x, 'indices')];
        const result = {
          takeRows: () => ops.takeRows(rows, indices),
          scatterAddRows: () => ops.scatterAddRows(rows, indices, 3),
          takeRowsOnce: () => ops.takeRowsOnce(rows, indices, ops.constant(int32([3]))),
          takeLast: () => ops.takeLast(rows, indices),
          scatterLast: () => ops.scatterLast(ops.reshape(ops.slice(rows, 1, 0, 1), [3]), indices, 3),
        };
        return { y: result[primitive]() };
      };
      for (const wrong of [3, -2]) {
        const inputs = { rows: random([3, 3], 1), indices: int32([3], [1, wrong, 0]) };
        const message = await reference
          .compile(fn)
          .run(inputs)
          .catch((error: Error) => error.message);
        expect(message).toContain(`got ${wrong} at place 1`);
        await expectRejection(engine.compile(fn).run(inputs), message as string);
      }
    },
  );

  it('ends its functions when it is disposed', async () => {
    const mine = await createEngine(backend);
    const empty = counts();
    const fn = mine.compile(addAndScale, { constants: { b } });
    expect(counts().tensors).toBe(empty.tensors + 1);
    await fn.run({ a });
    await mine.dispose();
    expect(counts()).toEqual(empty);
    await expectRejection(fn.run({ a }), 'run: expected a live function');
  });
});

it('refuses what is not TensorFlow.js', () => {
  expect(() => tfjsEngine({} as typeof tf)).toThrow('tfjsEngine: expected a TensorFlow.js namespace, got {}.');
});
