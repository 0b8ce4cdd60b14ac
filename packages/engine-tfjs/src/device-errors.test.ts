import { bool, DparError, float32, int32, named, type TensorFunction } from '@dpar/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GpuDevice } from './device-errors.js';
import { tfjsEngine } from './index.js';
import { createEngine, expectNoLeak } from './testing/backends.js';

/** A device that reports what a test makes it report. */
class FakeDevice implements GpuDevice {
  private readonly scopes: (string | undefined)[] = [];
  private readonly listeners: ((event: { readonly error: { message: string } }) => void)[] = [];

  pushErrorScope(): void {
    this.scopes.push(undefined);
  }

  async popErrorScope(): Promise<{ readonly message: string } | null> {
    const message = this.scopes.pop();
    return message === undefined ? null : { message };
  }

  addEventListener(_: 'uncapturederror', listener: (event: { readonly error: { message: string } }) => void): void {
    this.listeners.push(listener);
  }

  /** An error of a command, which goes to the innermost scope, or to whoever listens. */
  fail(message: string): void {
    if (this.scopes.length > 0) this.scopes[this.scopes.length - 1] = message;
    else for (const listener of this.listeners) listener({ error: { message } });
  }

  get openScopes(): number {
    return this.scopes.length;
  }
}

/** TensorFlow.js on the processor, that says it were WebGPU; `onCall` is told what is called of it. */
function disguised(device: GpuDevice, onCall: (name: string | symbol) => void = () => {}): typeof tf {
  const own: Record<string | symbol, unknown> = {
    getBackend: () => 'webgpu',
    setBackend: async () => true,
    backend: () => ({ device }),
  };
  return new Proxy(tf, {
    get: (target, name) => {
      onCall(name);
      return own[name] ?? Reflect.get(target, name);
    },
  });
}

const double: TensorFunction = (ops, inputs) => ({ y: ops.add(named(inputs, 'x'), named(inputs, 'x')) });
const x = float32([2], [1, 2]);

beforeAll(async () => {
  await createEngine('cpu');
  await tf.setBackend('cpu');
});

describe('an error of the device', () => {
  it('fails the run in which it comes, which leaves nothing behind, and no other', async () => {
    const device = new FakeDevice();
    let broken = true;
    const fn = tfjsEngine(
      disguised(device, (name) => {
        if (name === 'add' && broken) device.fail('\nshader does not compile\n - somewhere');
      }),
    ).compile(double);
    const message =
      "run: expected the WebGPU device to compute, got its error 'shader does not compile'. Update the driver " +
      'or use another backend.';
    for (const method of ['run', 'runOnDevice'] as const) {
      await expectNoLeak(async () => {
        const failing = fn[method]({ x });
        await expect(failing).rejects.toThrow(message);
        await expect(failing).rejects.toBeInstanceOf(DparError);
      });
    }
    broken = false;
    expect((await fn.run({ x })).y).toEqual(float32([2], [2, 4]));
    expect(device.openScopes).toBe(0);
  });

  it('that nothing captured fails the next run, once', async () => {
    const device = new FakeDevice();
    const engine = tfjsEngine(disguised(device));
    const fn = engine.compile(double);
    device.fail('out of memory');
    await expectNoLeak(() => expect(fn.run({ x })).rejects.toThrow("got its error 'out of memory'"));
    expect((await fn.run({ x })).y).toEqual(float32([2], [2, 4]));
  });

  it('while outputs are read fails the reading', async () => {
    const device = new FakeDevice();
    const fn = tfjsEngine(disguised(device)).compile(double);
    const { y } = await fn.runOnDevice({ x });
    device.fail('device is lost');
    await expect(y?.read()).rejects.toThrow("got its error 'device is lost'");
    expect(await y?.read()).toEqual(float32([2], [2, 4]));
    y?.dispose();
  });

  it('does not hide what the function itself throws', async () => {
    const device = new FakeDevice();
    const fn = tfjsEngine(disguised(device)).compile(() => {
      throw new RangeError('its own');
    });
    await expect(fn.run({})).rejects.toThrow(RangeError);
    expect(device.openScopes).toBe(0);
  });
});

// What the kernels of WebGPU get wrong is worked around with others: seen here by what is called, on the device itself by
// the results (webgpu.test.ts).
describe('on WebGPU', () => {
  async function callsOf(fn: TensorFunction, inputs: Parameters<ReturnType<typeof tfjsEngine>['upload']>[0][]) {
    const calls: (string | symbol)[] = [];
    const engine = tfjsEngine(disguised(new FakeDevice(), (name) => calls.push(name)));
    const { y } = await engine.compile(fn).run(Object.fromEntries(inputs.map((input, i) => [`x${i}`, input])));
    return { y, calls };
  }

  it('a cast to float32 is computed, not only named', async () => {
    const { y, calls } = await callsOf(
      (ops, { x0 }) => ({ y: ops.cast(x0 as never, 'float32') }),
      [int32([2], [3, 4])],
    );
    expect(y).toEqual(float32([2], [3, 4]));
    expect(calls.slice(calls.indexOf('cast'))).toContain('mul');
  });

  it.each([int32([2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]), bool([2, 2, 1, 2], [1, 0, 0, 1, 1, 1, 0, 1])])(
    '$dtype is transposed as float32',
    async (input) => {
      const transposed: string[] = [];
      const watched = new Proxy(disguised(new FakeDevice()), {
        get: (target, name) =>
          name !== 'transpose'
            ? Reflect.get(target, name)
            : (a: tf.Tensor, permutation: number[]) => {
                transposed.push(a.dtype);
                return tf.transpose(a, permutation);
              },
      });
      const fn = tfjsEngine(watched).compile((ops, { x0 }) => ({ y: ops.transpose(x0 as never, [3, 0, 1, 2]) }));
      const { y } = await fn.run({ x0: input });
      const [a, b, c, d, e, f, g, h] = input.data;
      expect(y).toEqual({
        dtype: input.dtype,
        shape: [2, 2, 2, 1],
        data: (input.dtype === 'int32' ? Int32Array : Uint8Array).of(
          a as number,
          c as number,
          e as number,
          g as number,
          b as number,
          d as number,
          f as number,
          h as number,
        ),
      });
      expect(transposed).toEqual(['float32']);
    },
  );
});
