import {
  createRandom,
  DparError,
  float32,
  type HostTensor,
  named,
  type Ops,
  type Shape,
  sizeOf,
  type TensorFunction,
  type TensorType,
} from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { OrtFunction } from './compiled-function.js';
import { trace } from './graph/trace.js';
import { createOrtEngine } from './index.js';
import { lower } from './lower.js';
import type { Runtime, RuntimeTensor } from './runtime.js';

const random = (shape: Shape): HostTensor =>
  float32(shape, createRandom(1, ...shape).fillNormal(new Float32Array(sizeOf(shape))));
const type = (...shape: number[]): TensorType => ({ dtype: 'float32', shape });

/** Graph of a function in float16: operators in order, and types and bytes of the constants. */
function graphOf(fn: TensorFunction, inputs: Record<string, TensorType>, constants: Record<string, HostTensor> = {}) {
  const traced = trace(fn, inputs, { constants });
  const { model } = lower(traced, { name: 'test', webgpu: true, precision: 'float16' });
  return {
    operators: model.nodes.map(({ opType, attributes: { to } }) =>
      to !== undefined && 'int' in to ? `${opType} ${to.int}` : opType,
    ),
    constants: Object.fromEntries(model.initializers.map(({ name, type, data }) => [name, [type, data.byteLength]])),
  };
}

const [toFloat32, toFloat16] = ['Cast 1', 'Cast 10'];

describe('graphs in float16', () => {
  const layer: TensorFunction = (ops, inputs) => ({
    y: ops.matmul(named(inputs, 'x'), named(inputs, 'w'), { transposeB: true }),
  });

  it('hold constants of products in half of the bytes', () => {
    const w = random([64, 48]);
    const { operators, constants } = graphOf(layer, { x: type(40, 48) }, { w });
    expect(operators).toEqual([toFloat16, 'Transpose', 'MatMul', toFloat32].sort((a, b) => order(a) - order(b)));
    expect(constants).toEqual({ 'w.float16': ['float16', w.data.byteLength / 2] });
    function order(operator: string): number {
      return operators.indexOf(operator);
    }
  });

  it.each([
    ['beyond its range', 65520],
    ['that are infinite', Number.NEGATIVE_INFINITY],
  ])('compute products with constants %s in float32', (_, value) => {
    const w = random([64, 48]);
    w.data[5] = value;
    const { operators, constants } = graphOf(layer, { x: type(40, 48) }, { w });
    expect(operators).toEqual(['Transpose', 'MatMul']);
    expect(constants).toEqual({ w: ['float32', w.data.byteLength] });
  });

  it('compute products with little arithmetic for each element in float32', () => {
    expect(graphOf(layer, { x: type(8, 48), w: type(64, 48) }).operators).toEqual(['Transpose', 'MatMul']);
    const norm: TensorFunction = (ops, { x, w }) => ({ y: ops.matmul(x as never, w as never) });
    expect(graphOf(norm, { x: type(512, 64), w: type(64, 1) }).operators).toEqual(['MatMul']);
  });

  it('leave masks and softmax in float32', () => {
    const attention = <T>(ops: Ops<T>, { q, k, v, mask }: Readonly<Record<string, T>>) => {
      const scores = ops.matmul(q as T, k as T, { transposeB: true, scale: 0.125 });
      return { y: ops.matmul(ops.softmax(ops.add(scores, mask as T)), v as T) };
    };
    const mask = float32([64, 64], new Float32Array(64 * 64).fill(-1e30));
    const heads = type(2, 64, 64);
    const { operators, constants } = graphOf(attention, { q: heads, k: heads, v: heads }, { mask });
    const middle = operators.slice(operators.indexOf('MatMul') + 1, operators.lastIndexOf('MatMul'));
    expect(middle.filter((operator) => operator !== toFloat16)).toEqual([toFloat32, 'Add', 'Softmax']);
    expect(constants.mask).toEqual(['float32', 4 * 64 * 64]);
  });

  it('stay in float16 between products', () => {
    const swiGlu = <T>(ops: Ops<T>, { x, w1, w2, w3 }: Readonly<Record<string, T>>) => {
      const dense = (h: T, w: T): T => ops.matmul(h, w, { transposeB: true });
      return { y: dense(ops.mul(ops.silu(dense(x as T, w1 as T)), dense(x as T, w3 as T)), w2 as T) };
    };
    const constants = { w1: random([96, 64]), w2: random([64, 96]), w3: random([96, 64]) };
    const { operators } = graphOf(swiGlu, { x: type(64, 64) }, constants);
    expect(operators.filter((operator) => /Cast/.test(operator))).toEqual([toFloat16, toFloat32]);
    expect(operators).toContain('QuickGelu');
  });

  it('add long sums in parts', () => {
    const gradient: TensorFunction = (ops, { x, g }) => ({
      w: ops.matmul(g as never, x as never, { transposeA: true }),
    });
    const short = graphOf(gradient, { x: type(512, 64), g: type(512, 64) }).operators;
    expect(short).not.toContain('ReduceSum');
    expect(graphOf(gradient, { x: type(4096, 64), g: type(4096, 64) }).operators).toContain('ReduceSum');
  });
});

describe('precision', () => {
  it.each(['cpu', 'cuda'] as const)('is float32 on the device %s', async (device) => {
    await expect(createOrtEngine({ device, precision: 'float16' })).rejects.toThrow(
      `createOrtEngine: expected the device 'webgpu' for the precision 'float16', got '${device}'. Leave out 'precision'.`,
    );
  });

  it('is part of the engine', async () => {
    const engine = await createOrtEngine({ threads: 1 });
    expect(engine.precision).toBe('float32');
    await engine.dispose();
    const half = await createOrtEngine({ device: 'webgpu', precision: 'float16', threads: 1 });
    expect(half.precision).toBe('float16');
    expect(half.name).toMatch(/\(webgpu, float16, 1 thread\)$/);
    await half.dispose();
  });

  // The error of ONNX Runtime 1.30 on such devices, as in Chromium with SwiftShader.
  it('float16 needs the feature shader-f16', async () => {
    const message =
      'Non-zero status code returned while running Cast node. Status Message: shader_helper.cc:401 GenerateSourceCode ' +
      'Program Cast requires f16 but the device does not support it.';
    const runtime: Runtime = {
      kind: 'node',
      version: '1',
      inThread: false,
      createSession: async () => ({
        inputNames: ['x'],
        run: async () => {
          throw new Error(message);
        },
        release: async () => {},
      }),
      tensor: (tensor) => ({ ...tensor, dims: tensor.shape, location: 'cpu' }) as unknown as RuntimeTensor,
      upload: async () => {
        throw new DparError('unused');
      },
      close: async () => {},
    };
    const fn: TensorFunction = (ops, inputs) => ({ y: ops.neg(named(inputs, 'x')) });
    const compiled = new OrtFunction(runtime, () => ({}), fn, {}, 'float16');
    await expect(compiled.run({ x: float32([1]) })).rejects.toThrow(
      "run: expected a GPU with the WebGPU feature 'shader-f16' for the precision 'float16', got one without it. " +
        "Use the precision 'float32', or install a newer driver.",
    );
  });
});
