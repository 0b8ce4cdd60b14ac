import { float32, int32, named, referenceOps, type TensorFunction } from '@dpar/tensor';
import { findMismatch } from '@dpar/tensor/conformance';
import * as ort from 'onnxruntime-node';
import { PbfReader } from 'pbf';
import { describe, expect, it } from 'vitest';
import { exportOnnx, exportOnnxParts } from './export.js';
import { trace } from './graph/trace.js';
import { lower } from './lower.js';

/** Reads the operators that have no standard counterpart, and outputs under the name of an input. */
const block: TensorFunction = (ops, inputs) => {
  const x = ops.rmsNorm(named(inputs, 'x'), named(inputs, 'norm'), 1e-5); // [1, 2, 4]
  const turned = ops.rotary(x, named(inputs, 'table'));
  const half = ops.rotary(x, named(inputs, 'table'), { interleaved: false });
  const scores = ops.matmul(turned, half, { transposeB: true, scale: 0.5 });
  return { x: ops.add(ops.silu(ops.matmul(scores, x)), 1), scores };
};
const inputs = {
  x: float32([1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]),
  norm: float32([4], [1, 0.5, 2, 1]),
  table: float32([1, 2, 2, 2], [1, 0, 1, 0, 0.6, 0.8, 0.28, 0.96]),
};
const tolerance = { relative: 1e-5, absolute: 1e-6 };

describe('exportOnnx', () => {
  it.each([false, true])('writes models that run as they are (portable: %s)', async (portable) => {
    const { norm, table } = inputs;
    const bytes = exportOnnx(block, { x: inputs.x }, { constants: { norm, table }, portable });
    const session = await ort.InferenceSession.create(bytes);
    expect(session.inputNames).toEqual(['x']);
    expect(session.outputNames).toEqual(['x.out', 'scores']);
    const { 'x.out': x, scores } = await session.run({ x: new ort.Tensor('float32', inputs.x.data, [1, 2, 4]) });
    const actual = {
      x: float32([1, 2, 4], x?.data as Float32Array),
      scores: float32([1, 2, 2], scores?.data as Float32Array),
    };
    expect(findMismatch(actual, block(referenceOps, inputs), tolerance)).toBeUndefined();
    await session.release();
  });

  it('uses standard operators only in portable models', () => {
    const traced = trace(block, inputs);
    const contributed = /^(FusedMatMul|QuickGelu|RotaryEmbedding|SimplifiedLayerNormalization)$/;
    const portable = lower(traced, { name: 'block', portable: true }).model;
    expect(portable.opsets).toEqual({ '': 20 });
    expect(portable.nodes.filter(({ opType, domain }) => domain !== '' || contributed.test(opType))).toEqual([]);
    const fast = lower(traced, { name: 'block' }).model;
    expect(fast.opsets).toEqual({ '': 20, 'com.microsoft': 1 });
    expect(fast.nodes.filter(({ opType }) => contributed.test(opType))).toHaveLength(5);
  });

  it('writes max(x, 0) as Relu, which lets NaN through', async () => {
    const rectified: TensorFunction = (ops, { x }) => ({
      y: ops.maximum(x as never, 0),
      z: ops.maximum(ops.broadcast(ops.scalar(0), [2, 5]), x as never),
      other: ops.maximum(x as never, 1),
    });
    const x = float32([5], [-1, 0, 2, Number.NEGATIVE_INFINITY, Number.NaN]);
    const { model } = lower(trace(rectified, { x }), { name: 'rectified' });
    // The second has another shape than x.
    expect(model.nodes.map(({ opType }) => opType).sort()).toEqual(['Expand', 'Max', 'Relu']);
    const session = await ort.InferenceSession.create(exportOnnx(rectified, { x }));
    const { y } = await session.run({ x: new ort.Tensor('float32', x.data, [5]) });
    expect(Array.from(y?.data as Float32Array)).toEqual([0, 0, 2, 0, Number.NaN]);
    await session.release();
  });

  it('refuses more than 2 GiB', () => {
    // The same memory five times, under different shapes.
    const data = new Float32Array(2 ** 27);
    const shapes = [1, 2, 4, 8, 16].map((rows) => [rows, data.length / rows]);
    const constants = Object.fromEntries(shapes.map((shape, i) => [`w${i}`, float32(shape, data)]));
    expect(() => exportOnnx((_, tensors) => tensors, {}, { constants })).toThrow(
      'encodeModel: expected a model of at most 2 GiB, got 2.5 GiB.',
    );
  });
});

/** Fields of a protobuf message that are messages or texts, by their numbers. */
function fieldsOf(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const fields = new Map<number, Uint8Array[]>();
  const reader = new PbfReader(bytes);
  reader.readFields((tag, _, pbf) => {
    if (pbf.type === 2) fields.set(tag, [...(fields.get(tag) ?? []), pbf.readBytes()]);
  }, undefined);
  return fields;
}

const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

describe('exportOnnx with open axes', () => {
  const { norm, table } = inputs;
  const options = { constants: { norm, table }, dynamicAxes: { x: { 0: 'batch' } } };

  it('writes one model for all sizes', async () => {
    for (const portable of [false, true]) {
      const session = await ort.InferenceSession.create(exportOnnx(block, { x: inputs.x }, { ...options, portable }));
      for (const batch of [1, 3]) {
        const x = float32(
          [batch, 2, 4],
          Array.from({ length: 8 * batch }, (_, i) => Math.sin(i)),
        );
        const found = await session.run({ x: new ort.Tensor('float32', x.data, [batch, 2, 4]) });
        const actual = {
          x: float32([batch, 2, 4], found['x.out']?.data as Float32Array),
          scores: float32([batch, 2, 2], found.scores?.data as Float32Array),
        };
        expect(findMismatch(actual, block(referenceOps, { ...inputs, x }), tolerance)).toBeUndefined();
      }
      await session.release();
    }
  });

  it('says what the file is, and what inputs and outputs are', () => {
    const bytes = exportOnnx(
      block,
      { x: inputs.x },
      {
        ...options,
        metadata: {
          producerVersion: '1.2.3',
          documentation: 'A block.',
          properties: { kind: 'block', config: '{"é": 1}' },
        },
        documentation: { x: 'states', scores: 'attention' },
      },
    );
    // Numbers of onnx.proto: ModelProto.
    const model = fieldsOf(bytes);
    expect([2, 3, 6].map((field) => textOf(model.get(field)?.[0]))).toEqual(['dpar', '1.2.3', 'A block.']);
    const properties = model.get(14)?.map((entry) => [1, 2].map((field) => textOf(fieldsOf(entry).get(field)?.[0])));
    expect(properties).toEqual([
      ['kind', 'block'],
      ['config', '{"é": 1}'],
    ]);
    const graph = fieldsOf(model.get(7)?.[0] as Uint8Array);
    const values = (field: number) =>
      graph.get(field)?.map((value) => [1, 3].map((part) => textOf(fieldsOf(value).get(part)?.[0])));
    expect(values(11)).toEqual([['x', 'states']]);
    // An output of the function is documented by its name there.
    expect(values(12)).toEqual([
      ['x.out', 'states'],
      ['scores', 'attention'],
    ]);
  });

  it('keeps inputs that nothing reads, so that all models of a kind take the same', async () => {
    const fn: TensorFunction = (ops, { x }) => ({ y: ops.neg(x as never) });
    const bytes = exportOnnx(fn, { x: inputs.x, other: int32([1]) }, { dynamicAxes: { other: { 0: 'n' } } });
    const session = await ort.InferenceSession.create(bytes);
    expect(session.inputNames).toEqual(['x', 'other']);
    const other = new ort.Tensor('int32', Int32Array.of(1, 2), [2]);
    const { y } = await session.run({ x: new ort.Tensor('float32', inputs.x.data, [1, 2, 4]), other });
    expect(y?.data[7]).toBe(-8);
    await session.release();
  });

  it('refuses quantised weights with standard operators only', () => {
    expect(() => exportOnnx(block, { x: inputs.x }, { ...options, portable: true, weights: 'int8' })).toThrow(
      'exportOnnx: expected float32 weights in a portable model, got int8',
    );
  });
});

describe('exportOnnxParts', () => {
  it('keeps large tensors in a data file on request, at the start of pages', async () => {
    const w = float32(
      [100, 7],
      Array.from({ length: 700 }, (_, i) => i % 5),
    );
    const v = float32(
      [7, 100],
      Array.from({ length: 700 }, (_, i) => -(i % 4)),
    );
    const fn: TensorFunction = (ops, t) => ({
      y: ops.matmul(ops.matmul(named(t, 'x'), named(t, 'w')), named(t, 'v')),
    });
    const x = float32(
      [1, 100],
      Array.from({ length: 100 }, (_, i) => i % 3),
    );
    const constants = { w, v };
    const { model, data } = exportOnnxParts(fn, { x }, { constants, dataFile: 'm.data', external: 'always' });
    const file = Buffer.concat(data);
    expect(file.length).toBe(4096 + 2800);
    expect(data.filter((piece) => piece.buffer === w.data.buffer || piece.buffer === v.data.buffer)).toHaveLength(2);
    const externalData = [{ path: 'm.data', data: file }];
    const session = await ort.InferenceSession.create(Buffer.concat(model), { externalData });
    const { y } = await session.run({ x: new ort.Tensor('float32', x.data, [1, 100]) });
    expect(Array.from(y?.data as Float32Array)).toEqual(
      Array.from(fn(referenceOps, { x, ...constants }).y?.data ?? []),
    );
    await session.release();
    const inside = exportOnnxParts(fn, { x }, { constants, dataFile: 'm.data' });
    expect(inside.data).toEqual([]);
    expect(Buffer.concat(inside.model)).toEqual(Buffer.from(exportOnnx(fn, { x }, { constants })));
  });

  it('does so by itself above 2 GiB, without copies', () => {
    // The same memory five times, under different shapes.
    const data = new Float32Array(2 ** 27);
    const shapes = [1, 2, 4, 8, 16].map((rows) => [rows, data.length / rows]);
    const constants = Object.fromEntries(shapes.map((shape, i) => [`w${i}`, float32(shape, data)]));
    const parts = exportOnnxParts((_, tensors) => tensors, {}, { constants, dataFile: 'm.data' });
    expect(parts.data.map((piece) => [piece.buffer === data.buffer, piece.length])).toEqual(
      shapes.map(() => [true, 2 ** 29]),
    );
    expect(parts.model.reduce((sum, piece) => sum + piece.length, 0)).toBeLessThan(2000);
  });
});

describe('lower', () => {
  it('leaves out inputs and constants that nothing reads', () => {
    const fn: TensorFunction = (ops, { x, y }) => {
      ops.add(y as NonNullable<typeof y>, ops.constant(float32([2], [1, 2])));
      return { z: ops.exp(x as NonNullable<typeof x>) };
    };
    const { model } = lower(trace(fn, { x: float32([2]), y: float32([2]) }), { name: 'fn' });
    expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(model.initializers).toEqual([]);
    expect(model.nodes.map(({ opType }) => opType)).toEqual(['Exp']);
  });

  it('does not write the same nodes and constants twice', () => {
    const fn: TensorFunction = (ops, { x, i }) => {
      const [table, index] = [x as NonNullable<typeof x>, i as NonNullable<typeof i>];
      return {
        a: ops.scatterAddRows(ops.takeRows(table, index), index, 4),
        b: ops.scatterAddRows(ops.neg(ops.takeRows(table, index)), index, 4),
      };
    };
    const { model } = lower(trace(fn, { x: float32([4, 2]), i: int32([3]) }), { name: 'fn' });
    const types = model.nodes.map(({ opType }) => opType).sort();
    // One gather, and one preparation of indices and zeros for both scatters.
    expect(types.filter((type) => type === 'Gather')).toHaveLength(1);
    expect(types.filter((type) => type === 'Expand')).toHaveLength(2);
    expect(types.filter((type) => type === 'ScatterElements')).toHaveLength(2);
    expect(new Set(model.initializers.map(({ data, type }) => `${type} ${data}`)).size).toBe(model.initializers.length);
  });

  it('adds to a scatter in place, and shares the sigmoid of a silu with its gradient', () => {
    const opTypes = (fn: TensorFunction) =>
      lower(trace(fn, { x: float32([4, 2]), i: int32([4]) }), { name: 'fn' })
        .model.nodes.map(({ opType }) => opType)
        .filter((type) => type !== 'Reshape');
    expect(
      opTypes((ops, { x, i }) => {
        const [values, indices] = [x as NonNullable<typeof x>, i as NonNullable<typeof i>];
        const scattered = ops.scatterLast(ops.sum(values, { axes: 1 }), indices, 2);
        return { y: ops.sub(scattered, ops.mul(values, 2)) };
      }),
    ).toEqual(['ReduceSum', 'Neg', 'Mul', 'ScatterElements']);
    expect(
      opTypes((ops, { x }) => {
        const values = x as NonNullable<typeof x>;
        return { y: ops.silu(values), s: ops.sigmoid(values) };
      }),
    ).toEqual(['Sigmoid', 'Mul']);
  });
});
