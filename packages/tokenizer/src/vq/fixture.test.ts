import { createOrtEngine } from '@dpar/engine-ort';
import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readCheckpoint, readSafetensors } from '@dpar/io/node';
import { kindOfConfig, modelOf } from '@dpar/nn';
import {
  createRandom,
  createReferenceEngine,
  float32,
  type HostTensor,
  type HostTensorOf,
  int32,
  named,
} from '@dpar/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { createTokenizer, type TokenizerModel } from '../create-tokenizer.js';
import { tokenizerKinds } from '../kinds.js';
import { vqPresets } from './config.js';
import { vqKind } from './tokenizer.js';

const { config: json, parameters } = await readCheckpoint(fixturePath('vq'));
const config = vqKind.readConfig(json);
const io = toHostTensors((await readSafetensors(fixturePath('vq/io.safetensors'))).tensors);
const image = named(io, 'image') as HostTensorOf<'float32'>;
const codes = named(io, 'codes') as HostTensorOf<'int32'>;
const ort = await createOrtEngine({ threads: 1 });
afterAll(() => ort.dispose());

function expectNear(actual: HostTensor, expected: HostTensor, tolerance = 1e-5): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.data).toHaveLength(expected.data.length);
  const errors = Array.from(expected.data, (value, i) => Math.abs(value - Number(actual.data[i])));
  expect(Math.max(...errors)).toBeLessThan(tolerance);
}

/** Rows `first` to `first + count - 1` of the first axis. */
function rows<D extends HostTensor>(tensor: D, first: number, count: number): D {
  const width = tensor.data.length / (tensor.shape[0] ?? 1);
  const data = tensor.data.slice(first * width, (first + count) * width);
  return { ...tensor, shape: [count, ...tensor.shape.slice(1)], data };
}

describe("LlamaGen's tokenizer agrees with the reference vectors", () => {
  it.each([
    ['reference engine', createReferenceEngine(), 1],
    ['ONNX Runtime', ort, 2],
  ] as const)('on the %s', { timeout: 60_000 }, async (_, engine, images) => {
    const encoded = await engine
      .compile(vqKind.encodeFunction(config))
      .run({ ...parameters, image: rows(image, 0, images) });
    expectNear(named(encoded, 'latent'), rows(named(io, 'latent'), 0, images));
    expect(named(encoded, 'codes')).toEqual(rows(codes, 0, images));
    const decoded = await engine
      .compile(vqKind.decodeFunction(config))
      .run({ ...parameters, codes: rows(codes, 0, images) });
    expectNear(named(decoded, 'image'), rows(named(io, 'decoded'), 0, images));
  });

  it('as a tokenizer, with what official files have besides', async () => {
    const usage = { 'quantize.codebook_used': float32([65536]) };
    const tokenizer = createTokenizer(ort, modelOf(vqKind, json, { ...parameters, ...usage }));
    const { codebookSize, factor, gridSize, imageSize } = tokenizer;
    expect({ codebookSize, factor, gridSize, imageSize }).toEqual({
      codebookSize: 64,
      factor: 4,
      gridSize: 8,
      imageSize: 32,
    });
    expect(await tokenizer.encode(image)).toEqual(codes);
    expectNear(await tokenizer.decode(codes), named(io, 'decoded'));
    await tokenizer.dispose();
  });
});

describe("LlamaGen's tokenizer", async () => {
  const tokenizer = createTokenizer(ort, { kind: vqKind, config, parameters });

  it('treats images of a batch apart, of any size that the factor divides', { timeout: 30_000 }, async () => {
    for (const [height, width] of [
      [4, 12],
      [20, 8],
      [36, 44],
    ] as const) {
      const pixels = createRandom(height).fillUniform(new Float32Array(9 * height * width), { low: -1, high: 1 });
      const images = float32([3, 3, height, width], pixels);
      const batch = await tokenizer.encode(images);
      const T = (height * width) / 16;
      expect(batch.shape).toEqual([3, T]);
      const grid = int32([3, height / 4, width / 4], batch.data);
      const decoded = await tokenizer.decode(grid);
      expect(decoded.shape).toEqual([3, 3, height, width]);
      for (const b of [2, 0]) {
        expect(await tokenizer.encode(rows(images, b, 1))).toEqual(rows(batch, b, 1));
        expectNear(await tokenizer.decode(rows(grid, b, 1)), rows(decoded, b, 1));
      }
    }
  });

  it('is one graph for any number of images', async () => {
    const compiled = ort.compile(vqKind.encodeFunction(config), {
      constants: parameters,
      dynamicAxes: { image: { 0: 'images' } },
    });
    const both = await compiled.run({ image });
    expect(named(both, 'codes')).toEqual(codes);
    expect(named(await compiled.run({ image: rows(image, 1, 1) }), 'codes')).toEqual(rows(codes, 1, 1));
    await compiled.dispose();
  });

  it('has the official parameters, at the official sizes', () => {
    expect(Object.keys(vqKind.specs(config)).sort()).toEqual(Object.keys(parameters).sort());
    const count = (name: 'VQ-8' | 'VQ-16') =>
      Object.values(vqKind.specs(vqPresets[name])).reduce(
        (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
        0,
      );
    // The paper's appendix gives 70 M and 72 M.
    expect([count('VQ-8'), count('VQ-16')].map((n) => Math.round(n / 1e6))).toEqual([70, 72]);
  });

  it('reads and writes its config.json', () => {
    const written = vqKind.writeConfig(config);
    expect(json).toMatchObject(written);
    expect(vqKind.readConfig(written)).toEqual(config);
    expect(() => vqKind.readConfig({ ...written, ch: 48 })).toThrow("'ch' to be a multiple of 32");
    expect(() => vqKind.readConfig({ ...written, ch_mult: [1, 0] })).toThrow(
      "'ch_mult' to be a list of whole numbers >= 1",
    );
    expect(() => vqKind.readConfig({ ...written, image_size: 30 })).toThrow("'image_size' to be a multiple of 4");
  });

  it('names what does not fit', async () => {
    await expect(tokenizer.encode(float32([1, 3, 8, 10]))).rejects.toThrow('sides that 4 divides, got [1, 3, 8, 10]');
    await expect(tokenizer.decode(int32([1, 4], [0, 1, 64, 2]))).rejects.toThrow('codes in 0..63, got 64');
    expect(() => kindOfConfig('load', tokenizerKinds, { kind: 'dpar' })).toThrow(
      'load: expected a model of kind "vq" or "patch-vq", got "dpar" in its config.json.',
    );
    const other = { kind: { name: 'dpar', specs: () => ({}) }, config, parameters } as unknown as TokenizerModel;
    expect(() => createTokenizer(ort, other)).toThrow('expected the model of a tokenizer, got a model of kind "dpar".');
    expect(() => createTokenizer(ort, { kind: vqKind, config, parameters: {} })).toThrow(
      'missing encoder.conv_in.weight',
    );
    expect(() => createTokenizer(ort, { kind: vqKind, config, parameters }, { tilePixels: 30 })).toThrow(
      'multiples of 4 pixels',
    );
    expect(() =>
      createTokenizer(ort, { kind: vqKind, config, parameters }, { tilePixels: 32, overlapPixels: 20 }),
    ).toThrow('at most half a tile');
  });
});
