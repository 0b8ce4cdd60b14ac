import { describe, expect, it } from 'vitest';
import {
  createReferenceEngine,
  DparError,
  type Engine,
  float32,
  type HostTensor,
  int32,
  named,
  type TensorFunction,
} from '../index.js';

const addAndScale: TensorFunction = (ops, inputs) => {
  const sum = ops.add(named(inputs, 'a'), named(inputs, 'b'));
  return { sum, scaled: ops.mul(sum, 10) };
};
const a = float32([2], [1, 2]);
const b = float32([2], [3, 4]);

function compiled(engine: Engine = createReferenceEngine()) {
  return engine.compile(addAndScale);
}

async function expectRejection(promise: Promise<unknown>, message: string) {
  await expect(promise).rejects.toThrow(message);
  await expect(promise).rejects.toBeInstanceOf(DparError);
}

describe('run', () => {
  it('gives outputs by name', async () => {
    expect(await compiled().run({ a, b })).toEqual({ sum: float32([2], [4, 6]), scaled: float32([2], [40, 60]) });
  });

  it('takes constants given once', async () => {
    const fn = createReferenceEngine().compile(addAndScale, { constants: { b } });
    expect((await fn.run({ a })).sum).toEqual(float32([2], [4, 6]));
    await expectRejection(fn.run({ a, b }), "expected inputs that are not constants, got 'b'");
  });

  it('counts signatures: names and types of the inputs', async () => {
    const fn = compiled();
    expect(fn.signatures).toBe(0);
    await fn.run({ a, b });
    await fn.run({ b: a, a: b });
    expect(fn.signatures).toBe(1);
    await fn.run({ a, b: float32([1], [1]) });
    await fn.run({ a: int32([2]), b: int32([2]) });
    expect(fn.signatures).toBe(3);
  });

  it('writes into given tensors', async () => {
    const target = float32([2]);
    const outputs = await compiled().run({ a, b }, { into: { sum: target } });
    expect(outputs.sum).toBe(target);
    expect([...target.data]).toEqual([4, 6]);
    expect(outputs.scaled).toEqual(float32([2], [40, 60]));
  });

  it('returns copies of inputs', async () => {
    const { y } = await createReferenceEngine()
      .compile((_, inputs) => ({ y: named(inputs, 'a') }))
      .run({ a });
    expect(y).toEqual(a);
    expect(y?.data).not.toBe(a.data);
  });

  it('names inputs that are missing, also where the function does not check', async () => {
    await expectRejection(compiled().run({ a }), "'b'");
    const unchecked: TensorFunction = (ops, inputs) => ({ y: ops.neg(inputs.q as NonNullable<typeof inputs.q>) });
    const fn = createReferenceEngine().compile(unchecked);
    await expectRejection(
      fn.run({ a }),
      "run: expected the input 'q', got 'a'. Pass every input that the function reads.",
    );
    await expectRejection(fn.run({}), "run: expected the input 'q', got none.");
  });

  it('lets functions look for inputs that may be missing', async () => {
    const optional: TensorFunction = (ops, inputs) => ({ y: inputs.q ?? ops.scalar(1) });
    expect((await createReferenceEngine().compile(optional).run({})).y).toEqual(float32([], [1]));
  });

  it('passes on what the function throws', async () => {
    await expectRejection(compiled().run({ a, b: float32([3]) }), 'add: expected shapes that broadcast');
    const failing = createReferenceEngine().compile(() => {
      throw new RangeError('its own');
    });
    await expect(failing.run({})).rejects.toThrow(RangeError);
  });

  it('rejects tensors whose data are of another kind or length than their type', async () => {
    const short = { dtype: 'float32', shape: [2], data: new Float32Array(1) } as const;
    await expectRejection(
      compiled().run({ a, b: short }),
      "run: expected 'b' to hold the data of float32[2], got 1 elements",
    );
    const doubles = { dtype: 'float32', shape: [2], data: new Float64Array(2) } as unknown as HostTensor;
    await expectRejection(compiled().run({ a, b: doubles }), 'of Float64Array. Make tensors with hostTensor.');
  });

  it("rejects 'into' of another type or name", async () => {
    const run = (into: Record<string, HostTensor>) => compiled().run({ a, b }, { into });
    await expectRejection(run({ sum: float32([3]) }), "expected 'into.sum' of float32[2], got float32[3]");
    await expectRejection(run({ sum: int32([2]) }), "expected 'into.sum' of float32[2], got int32[2]");
    await expectRejection(
      run({ total: float32([2]) }),
      "expected names of outputs in 'into' (sum, scaled), got 'total'",
    );
  });
});

describe('tensors that stay with the engine', () => {
  it('go in, come out and are read', async () => {
    const engine = createReferenceEngine();
    const fn = compiled(engine);
    const uploaded = await engine.upload(a);
    expect(uploaded.type).toEqual({ dtype: 'float32', shape: [2] });
    const first = await fn.runOnDevice({ a: uploaded, b });
    const second = await fn.run({ a: first.sum as NonNullable<typeof first.sum>, b });
    expect(second.sum).toEqual(float32([2], [7, 10]));
    expect(await first.scaled?.read()).toEqual(float32([2], [40, 60]));
  });

  it('do not change with the host tensor', async () => {
    const host = float32([1], [1]);
    const uploaded = await createReferenceEngine().upload(host);
    host.data[0] = 5;
    expect([...(await uploaded.read()).data]).toEqual([1]);
  });

  it('cannot be used after they were disposed', async () => {
    const uploaded = await createReferenceEngine().upload(a);
    uploaded.dispose();
    uploaded.dispose();
    await expectRejection(uploaded.read(), 'expected a live tensor');
    await expectRejection(compiled().run({ a: uploaded, b }), 'expected a live tensor');
  });

  it('of another engine are rejected', async () => {
    const foreign = { type: { dtype: 'float32', shape: [2] }, read: async () => a, dispose: () => {} } as const;
    await expectRejection(
      compiled().run({ a: foreign, b }),
      "expected 'a' to be a host tensor or a tensor of this engine",
    );
  });
});

it('disposing the engine disposes its functions', async () => {
  const engine = createReferenceEngine();
  const fn = compiled(engine);
  await engine.dispose();
  await expectRejection(fn.run({ a, b }), 'run: expected a live function');
});
