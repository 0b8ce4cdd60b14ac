import { createOrtEngine } from '@dpar/engine-ort';
import { readTensors } from '@dpar/fixtures';
import type { ImageReading, RgbImage } from '@dpar/images';
import { DparError, type Engine, float32, type HostTensor, named, referenceOps, type Tensors } from '@dpar/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageFeatures } from '../feature-network.js';
import type { FeatureWeights } from '../feature-weights.js';
import type { Matrix } from '../matrix.js';
import { inceptionFixtureParameters, inceptionFormulaWeights } from '../testing/formula-weights.js';
import { inceptionParameters } from './convolutions.js';
import { foldBatchNorm } from './fold.js';
import { createInceptionNetwork } from './inception-network.js';
import { inception } from './network.js';

const fixture = readTensors('inception/io.safetensors');

/** The fixture's images, as bytes [height, width, 3]. */
function fixtureImages(): RgbImage[] {
  const { shape, values } = fixture('images');
  const [count = 0, , height = 0, width = 0] = shape;
  const area = height * width;
  return Array.from({ length: count }, (_, n) => {
    const byte = (_: unknown, i: number) => values[(3 * n + (i % 3)) * area + Math.floor(i / 3)] as number;
    return { width, height, data: Uint8Array.from({ length: 3 * area }, byte) };
  });
}

/** Columns [column, column + width) and rows of an image from `row` on. */
function crop({ width, data }: RgbImage, [row, column, height, columns]: readonly [number, number, number, number]) {
  const cropped = new Uint8Array(3 * height * columns);
  for (let i = 0; i < height; i++) {
    const start = 3 * ((row + i) * width + column);
    cropped.set(data.subarray(start, start + 3 * columns), 3 * i * columns);
  }
  return { width: columns, height, data: cropped };
}

/** Largest difference from the expected numbers, relative to the largest of these. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [error, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error = Math.max(error, Math.abs((actual[i] as number) - (expected[i] as number)));
    scale = Math.max(scale, Math.abs(expected[i] as number));
  }
  return error / scale;
}

const rowOf = ({ data, columns }: Matrix, row: number) => data.subarray(row * columns, (row + 1) * columns);
const featuresOf = (all: ImageFeatures): Matrix[] => [all.pool, all.spatial as Matrix, all.logits as Matrix];

let engine: Engine;
let weights: FeatureWeights;

beforeAll(async () => {
  engine = await createOrtEngine();
  weights = { parameters: inceptionFormulaWeights(), sha256: '0123456789abcdef'.repeat(4) };
});
afterAll(() => engine.dispose());

describe('the network', () => {
  it('has the parameters of pytorch-fid, in order', () => {
    expect([...inceptionParameters()]).toEqual(inceptionFixtureParameters());
  });

  it('gives what pytorch-fid gives', async () => {
    const network = createInceptionNetwork(engine, weights, { resize: 'pytorch' });
    const { pool, spatial, logits } = await network.extract(fixtureImages());
    expect(relativeError(pool.data, fixture('pool').values)).toBeLessThan(1e-5);
    expect(relativeError(spatial?.data ?? [], fixture('spatial').values)).toBeLessThan(1e-5);
    expect(relativeError(logits?.data ?? [], fixture('logits').values)).toBeLessThan(1e-5);
    await network.dispose();
  });

  it('gives the ends of its stages, the last of which the pool features are means of', async () => {
    const compiled = engine.compile(
      (ops, inputs) => {
        const { pool, stages } = inception(ops, inputs, named(inputs, 'images'));
        return Object.fromEntries([['pool', pool], ...stages.map((stage, i) => [`stage${i}`, stage])]);
      },
      { constants: foldBatchNorm(weights.parameters) },
    );
    const data = Float32Array.from({ length: 3 * 107 * 107 }, (_, i) => Math.sin(i * i));
    const found = await compiled.run({ images: float32([1, 3, 107, 107], data) });
    const shapes = [0, 1, 2, 3].map((i) => named(found, `stage${i}`).shape);
    expect(shapes).toEqual([
      [1, 64, 25, 25],
      [1, 192, 11, 11],
      [1, 768, 5, 5],
      [1, 2048, 2, 2],
    ]);
    const means = referenceOps.mean(named(found, 'stage3'), { axes: [2, 3] });
    expect(relativeError(named(found, 'pool').data, means.data)).toBeLessThan(1e-5);
    await compiled.dispose();
  });

  it('reads files as the evaluators do, as stored, unless it is told otherwise', () => {
    for (const resize of ['adm', 'pytorch', 'clean'] as const) {
      expect(createInceptionNetwork(engine, weights, { resize }).reading).toEqual({ orientation: 'stored' });
    }
    const identity = (reading?: ImageReading) =>
      createInceptionNetwork(engine, weights, reading && { reading }).identity;
    expect(identity()).toBe('inception-v3 sha256:0123456789abcdef adm unbiased height-width-channel');
    expect(identity({ orientation: 'stored' })).toBe(identity());
    const others = [identity(), identity({ orientation: 'upright' }), identity({ background: [255, 255, 255] })];
    expect(new Set(others).size).toBe(3);
  });

  it('gives spatial features in the order of TensorFlow and logits without the bias', async () => {
    const options = { resize: 'pytorch', spatialOrder: 'height-width-channel', logits: 'unbiased' } as const;
    const network = createInceptionNetwork(engine, weights, options);
    const { spatial, logits } = await network.extract(fixtureImages());
    const [channels, area, classes] = [7, 17 * 17, 1008];
    const { values } = fixture('spatial');
    const moved = values.map((_, i) => {
      const [image, rest] = [Math.floor(i / (channels * area)), i % (channels * area)];
      return values[image * channels * area + (rest % channels) * area + Math.floor(rest / channels)] as number;
    });
    expect(relativeError(spatial?.data ?? [], moved)).toBeLessThan(1e-5);
    const bias = weights.parameters['fc.bias']?.data ?? [];
    const unbiased = fixture('logits').values.map((value, i) => value - (bias[i % classes] as number));
    expect(relativeError(logits?.data ?? [], unbiased)).toBeLessThan(1e-5);
    await network.dispose();
  });

  it('gives the same bits whatever else is in the batch, for images of any sizes', async () => {
    const network = createInceptionNetwork(engine, weights, { batchSize: 3 });
    const [a, b] = fixtureImages() as [RgbImage, RgbImage];
    const images = [a, crop(b, [0, 0, 64, 40]), crop(a, [3, 5, 17, 50]), b];
    const together = await network.extract(images);
    expect(together.pool.rows).toBe(images.length);
    for (const [row, image] of images.entries()) {
      const alone = await network.extract([image]);
      for (const [i, matrix] of featuresOf(together).entries()) {
        expect(rowOf(matrix, row)).toEqual((featuresOf(alone)[i] as Matrix).data);
      }
    }
    await network.dispose();
  });

  it('runs on the runtime of browsers', async () => {
    const web = await createOrtEngine({ runtime: 'web', threads: 1 });
    const network = createInceptionNetwork(web, weights, { resize: 'pytorch' });
    const { pool } = await network.extract(fixtureImages().slice(0, 1));
    expect(relativeError(pool.data, fixture('pool').values.slice(0, 2048))).toBeLessThan(1e-5);
    await web.dispose();
  });
});

describe('createInceptionNetwork', () => {
  it('says what it is, and differs where weights, resize or outputs differ', () => {
    const published = { ...weights, sha256: `6726825d${'0'.repeat(56)}` };
    const network = createInceptionNetwork(engine, published);
    expect(network.name).toBe('Inception-v3 of pytorch-fid');
    expect(network.resize).toBe('bilinear as in TensorFlow 1; comparable to the ADM evaluator and torch-fidelity');
    expect(createInceptionNetwork(engine, weights).name).toBe(
      "Inception-v3 with other weights than pytorch-fid's (SHA-256 0123456789abcdef...): figures cannot be compared to others",
    );
    const identities = [
      network,
      createInceptionNetwork(engine, weights),
      createInceptionNetwork(engine, weights, { resize: 'clean' }),
      createInceptionNetwork(engine, weights, { resize: 'pytorch' }),
      createInceptionNetwork(engine, weights, { logits: 'biased' }),
      createInceptionNetwork(engine, weights, { spatialOrder: 'channel-height-width' }),
    ].map(({ identity }) => identity);
    expect(new Set(identities).size).toBe(identities.length);
    expect(createInceptionNetwork(engine, weights, { batchSize: 2 }).identity).toBe(identities[1]);
  });

  it.each([
    ['adm', 128],
    ['clean', 128],
    ['pytorch', 127.5],
  ] as const)('%s: scales bytes by %d', async (resize, half) => {
    let read: Float32Array | undefined;
    const compiled = {
      run: async ({ images }: Tensors<HostTensor>) => {
        read = images?.data as Float32Array;
        return { pool: float32([1, 1]), spatial: float32([1, 1]), logits: float32([1, 1]) };
      },
    };
    const recorder = { compile: () => compiled } as unknown as Engine;
    const network = createInceptionNetwork(recorder, weights, { resize });
    await network.extract([{ width: 1, height: 1, data: Uint8Array.of(0, 128, 255) }]);
    const area = 299 * 299;
    expect(read).toHaveLength(3 * area);
    const expected = [0, 128, 255].map((value) => Math.fround((value - half) / half));
    expect([0, area, 3 * area - 1].map((place) => read?.[place])).toEqual(expected);
  });

  it('refuses batches of nothing, and no images', async () => {
    expect(() => createInceptionNetwork(engine, weights, { batchSize: 0 })).toThrow(DparError);
    const network = createInceptionNetwork(engine, weights);
    await expect(network.extract([])).rejects.toThrow('extract: expected at least one image, got none.');
  });
});

describe('foldBatchNorm', () => {
  it('names what is missing or of another shape', () => {
    const torchvision: Record<string, HostTensor> = { ...weights.parameters, 'fc.weight': float32([1000, 2048]) };
    torchvision['fc.bias'] = float32([1000]);
    delete torchvision['Mixed_7c.branch1x1.bn.bias'];
    expect(() => createInceptionNetwork(engine, { ...weights, parameters: torchvision })).toThrow(
      'inception: expected the parameters of the FID Inception-v3 (472 of them), got ' +
        "no 'Mixed_7c.branch1x1.bn.bias', 'fc.weight' as float32[1000, 2048], not float32[1008, 2048], " +
        "'fc.bias' as float32[1000], not float32[1008]. ",
    );
    expect(() => foldBatchNorm({})).toThrow(/no 'Conv2d_1a_3x3\.conv\.weight', .* and 469 more\. /);
  });
});
