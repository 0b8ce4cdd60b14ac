import { exportOnnx } from '@dpar/engine-ort';
import type { RgbImage } from '@dpar/images';
import { DparError, float32, named, type Ops, type TensorFunction } from '@dpar/tensor';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { createOnnxNetwork, type OnnxNetworkOptions, type OnnxRuntime, valueRanges } from '../index.js';

/** Means of red, green and blue, and twice as much: features that can be told by hand. */
const means: TensorFunction = (ops, inputs) => {
  const pooled = ops.mean(named(inputs, 'images'), { axes: [2, 3] });
  return { features: pooled, map: ops.mul(named(inputs, 'images'), 2) };
};

const exported = (fn: TensorFunction, shape: readonly number[]): Uint8Array =>
  exportOnnx(fn, { images: float32(shape) }, { portable: true });

/** An image of one colour. */
function plain(width: number, height: number, colour: readonly [number, number, number]): RgbImage {
  const data = new Uint8Array(3 * width * height).map((_, i) => colour[i % 3] as number);
  return { width, height, data };
}

const images = [plain(5, 4, [255, 0, 51]), plain(2, 9, [0, 102, 255]), plain(3, 3, [10, 20, 30])];
const options: OnnxNetworkOptions = { range: 'unit', outputs: { pool: 'features' } };

const rounded = (data: ArrayLike<number>) => Array.from(data, (value) => Math.round(value * 1e4) / 1e4);

/** Features of the images by a function's network. */
async function poolOf(fn: TensorFunction, shape: readonly number[], given = options): Promise<number[]> {
  const network = await createOnnxNetwork(ort, exported(fn, shape), given);
  const { pool } = await network.extract(images);
  expect([pool.rows, pool.data.length]).toEqual([3, 3 * pool.columns]);
  await network.dispose();
  return rounded(pool.data);
}

const unit = [1, 0, 0.2, 0, 0.4, 1, 0.0392, 0.0784, 0.1176];

describe('createOnnxNetwork', () => {
  it('takes any number of images through a model of a fixed one', async () => {
    for (const batch of [1, 2, 4]) expect(await poolOf(means, [batch, 3, 4, 6])).toEqual(unit);
  });

  it('takes models that leave the number and the size open', async () => {
    const session = openSession([2, 3]);
    const network = await createOnnxNetwork(session.runtime, session.model, { ...options, size: 2, batchSize: 2 });
    expect(rounded((await network.extract(images)).pool.data)).toEqual(unit);
    expect(session.shapes).toEqual([
      [2, 3, 2, 2],
      [1, 3, 2, 2],
    ]);
    await network.dispose();
    expect(session.released).toBe(false);
  });

  it('reads NHWC where the channels are last', async () => {
    const channelsLast: TensorFunction = (ops, inputs) => ({
      pooled: ops.mean(named(inputs, 'images'), { axes: [1, 2], keepDims: true }), // [N, 1, 1, 3]
    });
    expect(await poolOf(channelsLast, [1, 5, 4, 3], { range: 'unit' })).toEqual(unit);
  });

  it.each([
    ['bytes', [255, 0, 51]],
    ['signed', [1, -1, -0.6]],
    ['imagenet', [2.2489, -2.0357, -0.9156]],
    [{ mean: 5, deviation: [1, 2, 4] }, [250, -2.5, 11.5]],
  ] as const)('scales to %j', async (range, expected) => {
    const pool = await poolOf(means, [1, 3, 4, 6], { ...options, range });
    expect(pool.slice(0, 3)).toEqual(expected);
  });

  it('finds outputs by name, or the only one that is pooled', async () => {
    const three = <T>(ops: Ops<T>, x: T) => ({
      pool: ops.mean(x, { axes: [2, 3] }),
      logits: ops.mean(x, { axes: [1, 2] }),
    });
    const network = await createOnnxNetwork(
      ort,
      exported(
        (ops, inputs) => ({ ...three(ops, named(inputs, 'images')), spatial: named(inputs, 'images') }),
        [1, 3, 2, 4],
      ),
      { range: 'unit' },
    );
    const found = await network.extract(images);
    expect([found.pool, found.spatial, found.logits].map((matrix) => matrix?.columns)).toEqual([3, 24, 4]);
    await network.dispose();
    expect(await poolOf(means, [1, 3, 4, 6], { range: 'unit' })).toEqual(unit); // 'map' is not pooled
  });

  it('differs where weights, resize or range differ', async () => {
    const model = exported(means, [1, 3, 4, 6]);
    const identityOf = async (bytes: Uint8Array, given: OnnxNetworkOptions): Promise<string> => {
      const network = await createOnnxNetwork(ort, bytes, given);
      await network.dispose();
      return network.identity;
    };
    const identities = [
      await identityOf(model, options),
      await identityOf(model, { ...options, resize: 'adm' }),
      await identityOf(model, { ...options, range: 'bytes' }),
      await identityOf(model, { ...options, outputs: { ...options.outputs, spatial: 'map' } }),
      await identityOf(exported(means, [1, 3, 5, 6]), options),
    ];
    expect(new Set(identities).size).toBe(identities.length);
    expect(await identityOf(model, { ...options, range: valueRanges.unit })).toBe(identities[0]);
  });

  it.each<[string, TensorFunction, readonly number[], OnnxNetworkOptions, string]>([
    [
      'two pooled outputs',
      (ops, i) => ({
        a: ops.mean(named(i, 'images'), { axes: [2, 3] }),
        b: ops.mean(named(i, 'images'), { axes: [1, 2] }),
      }),
      [1, 3, 4, 4],
      { range: 'unit' },
      "expected one output of pooled features, [N, D] or [N, D, 1, 1], got 'a' [1, 3], 'b' [1, 4]. Pass 'outputs: { pool: name }'.",
    ],
    [
      'an output that is not there',
      means,
      [1, 3, 4, 4],
      { range: 'unit', outputs: { pool: 'pool' } },
      "expected the name of an output of the model ('features' [1, 3], 'map' [1, 3, 4, 4]), got 'pool'.",
    ],
    [
      'an input that is not there',
      means,
      [1, 3, 4, 4],
      { ...options, input: 'x' },
      "expected the name of an input of the model ('images' [1, 3, 4, 4]), got 'x'.",
    ],
    [
      'no images',
      (_, i) => ({ features: named(i, 'images') }),
      [1, 3],
      options,
      "expected an input of images with 4 axes, got 'images' [1, 3]. Export",
    ],
    [
      'channels in two places',
      means,
      [1, 3, 4, 3],
      options,
      "expected the second or the last axis to have 3 channels, got 'images' [1, 3, 4, 3]. Pass 'layout'.",
    ],
    [
      'grey images',
      means,
      [1, 1, 4, 4],
      { ...options, layout: 'NCHW' },
      "expected images of 3 channels in NCHW, got 'images' [1, 1, 4, 4].",
    ],
    [
      'another size',
      means,
      [1, 3, 4, 4],
      { ...options, size: 8 },
      "expected a size that fits the input 'images' [1, 3, 4, 4], got 8x8.",
    ],
    [
      'no batch',
      means,
      [1, 3, 4, 4],
      { ...options, batchSize: 1.5 },
      'expected a batch size that is a whole number >= 1, got 1.5.',
    ],
  ])('refuses %s', async (_, fn, shape, given, message) => {
    const created = createOnnxNetwork(ort, exported(fn, shape), given);
    await expect(created).rejects.toThrow(`createOnnxNetwork: ${message}`);
    await expect(created).rejects.toBeInstanceOf(DparError);
  });

  it('refuses what is no model, and features that are not pooled', async () => {
    await expect(createOnnxNetwork(ort, new Uint8Array(9).fill(255), options)).rejects.toThrow(
      'createOnnxNetwork: expected a model that ONNX Runtime accepts, got: ',
    );
    const network = await createOnnxNetwork(ort, exported(means, [1, 3, 4, 6]), {
      ...options,
      outputs: { pool: 'map' },
    });
    await expect(network.extract(images)).rejects.toThrow(
      "extract: expected float32 [1, D], pooled, in the output 'map', got float32 [1, 3, 4, 6]. " +
        'Export the network with float32 outputs, pooled over positions.',
    );
    await network.dispose();
  });
});

/** A session of a model with open sizes that gives the means of the planes, and notes what it is called with. */
function openSession([, channels]: readonly [number, number]) {
  const shapes: (readonly number[])[] = [];
  const state = { released: false };
  const runtime = ort satisfies OnnxRuntime<ort.TypedTensor<'float32'>>;
  const session = {
    inputMetadata: [{ name: 'images', isTensor: true, shape: ['batch', channels, 'height', 'width'] }],
    outputMetadata: [{ name: 'features', isTensor: true, shape: ['batch', channels] }],
    async run({ images }: Readonly<Record<string, ort.TypedTensor<'float32'>>>) {
      const { dims = [], data = [] } = images ?? {};
      shapes.push(dims);
      const [rows = 0, , height = 0, width = 0] = dims;
      const area = height * width;
      const features = Float32Array.from({ length: rows * channels }, (_, plane) => {
        let sum = 0;
        for (let i = 0; i < area; i++) sum += data[plane * area + i] as number;
        return sum / area;
      });
      return { features: new ort.Tensor('float32', features, [rows, channels]) };
    },
    async release() {
      state.released = true;
    },
  };
  return {
    runtime,
    model: { session, identity: 'means' },
    shapes,
    get released() {
      return state.released;
    },
  };
}
