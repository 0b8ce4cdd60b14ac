import { createOrtEngine } from '@dpar/engine-ort';
import { patternImage, readTensors, relativeDifference } from '@dpar/fixtures';
import { type Engine, float32, type HostTensor } from '@dpar/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dinov2Fixture, dinov2FixtureParameters, dinov2FormulaWeights } from '../testing/formula-weights.js';
import { dinov2Parameters, dinov2Presets, inferDinov2Config, isDinov2 } from './config.js';
import { createDinov2Network } from './dinov2-network.js';
import { interpolatePositions } from './positions.js';

/** Features by PyTorch, of networks of 2 blocks of width 128 and a table of 37 x 37 positions; see the README of the fixtures. */
const fixture = readTensors('dinov2/io.safetensors');
const networks: readonly Dinov2Fixture[] = ['plain', 'registers'];
const images = [patternImage(300, 250), patternImage(64, 48)];
const weightsOf = (network: Dinov2Fixture) => ({
  parameters: dinov2FormulaWeights(network),
  sha256: '0123456789abcdef'.repeat(4),
});

let engine: Engine;
beforeAll(async () => {
  engine = await createOrtEngine();
});
afterAll(() => engine.dispose());

describe('createDinov2Network', () => {
  it.each<[Dinov2Fixture, number]>([
    ['plain', 224],
    ['plain', 56],
    ['registers', 224],
    ['registers', 56],
  ])('gives what PyTorch gives: %s at %d pixels, from the bytes of images', async (name, size) => {
    const network = createDinov2Network(engine, weightsOf(name), { size });
    const { pool, ...others } = await network.extract(images);
    const { shape, values } = fixture(`${name}.${size}`);
    expect(
      relativeDifference({ shape: [pool.rows, pool.columns], data: pool.data }, { shape, data: values }),
    ).toBeLessThan(1e-5);
    expect(others).toEqual({});
    await network.dispose();
  });

  it('gives an image the same bits in any batch', async () => {
    const network = createDinov2Network(engine, weightsOf('registers'), { batchSize: 3 });
    const all = [...images, patternImage(5, 9), patternImage(30, 30)];
    const { pool } = await network.extract(all);
    for (const [row, image] of all.entries()) {
      const alone = await network.extract([image]);
      expect(pool.data.subarray(128 * row, 128 * (row + 1))).toEqual(alone.pool.data);
    }
    await network.dispose();
  });

  it('names the network, the resize and what its features depend on', () => {
    const identities = [{}, { resize: 'clean' }, { size: 238 }, { reading: { orientation: 'upright' } }] as const;
    expect(
      new Set(identities.map((options) => createDinov2Network(engine, weightsOf('plain'), options).identity)).size,
    ).toBe(4);
    const { name, resize, reading } = createDinov2Network(engine, weightsOf('registers'));
    expect(name).toBe(
      'DINOv2 ViT of 2 blocks of width 128 with 4 registers (SHA-256 of the weights: 0123456789abcdef...)',
    );
    expect(resize).toBe('224 x 224, antialiased bicubic as in Pillow, rounded to bytes; comparable to dgm-eval');
    expect(reading).toEqual({ orientation: 'stored' });
    expect(() => createDinov2Network(engine, weightsOf('plain'), { size: 256 })).toThrow(
      'expected a width and height that are multiples of 14 pixels, got 256x256. FD-DINOv2 uses 224.',
    );
  });
});

describe('parameters', () => {
  it.each(networks)('%s: official names, shapes and order', (name) => {
    const found = inferDinov2Config(dinov2FormulaWeights(name));
    const registers = name === 'plain' ? 0 : 4;
    expect(found).toEqual({
      width: 128,
      depth: 2,
      feedForward: name === 'plain' ? 'mlp' : 'swiglu',
      registers,
      grid: 37,
    });
    const official = dinov2FixtureParameters(name).filter(([parameter]) => parameter !== 'mask_token');
    expect([...dinov2Parameters(found)]).toEqual(official);
  });

  it.each(networks)('%s: the names of Hugging Face give the same features', async (name) => {
    const official = dinov2FormulaWeights(name);
    const { sha256 } = weightsOf(name);
    for (const prefix of ['', 'dinov2.']) {
      const parameters = huggingFace(official, prefix);
      expect(isDinov2(parameters)).toBe(true);
      const size = { size: 56 };
      const [a, b] = [official, parameters].map((of) => createDinov2Network(engine, { parameters: of, sha256 }, size));
      expect((await b?.extract(images))?.pool.data).toEqual((await a?.extract(images))?.pool.data);
      await Promise.all([a?.dispose(), b?.dispose()]);
    }
  });

  it('has the sizes of the published networks', () => {
    // Parameters as the model card states them: 21 M, 86 M, 300 M, 1.1 B.
    const counts = Object.values(dinov2Presets).map((config) =>
      [...dinov2Parameters(config).values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0),
    );
    expect(counts.map((count) => Math.round(count / 1e6))).toEqual([22, 87, 304, 1136]);
    // SwiGLU of the giant: (int(6144 * 2 / 3) + 7) // 8 * 8.
    expect(dinov2Parameters(dinov2Presets['g/14']).get('blocks.39.mlp.w3.weight')).toEqual([1536, 4096]);
  });

  it('names what is missing or of another shape', () => {
    const { 'blocks.1.ls2.gamma': _, ...parameters } = dinov2FormulaWeights('plain');
    expect(() => inferDinov2Config(parameters)).toThrow(
      "inferDinov2Config: expected the parameters of a DINOv2 (34 of them), got no 'blocks.1.ls2.gamma'. Use dinov2_vitl14",
    );
    const patches16 = { ...dinov2FormulaWeights('plain'), 'patch_embed.proj.weight': float32([128, 3, 16, 16]) };
    expect(() => inferDinov2Config(patches16)).toThrow('float32[128, 3, 16, 16], not float32[128, 3, 14, 14]');
    expect(() => inferDinov2Config({})).toThrow('got 0, -1 places and 0 blocks. Use dinov2_vitl14');
    expect(isDinov2({ 'fc.weight': float32([1]) })).toBe(false);
  });
});

it.each(networks)('interpolates positions as PyTorch does: %s', (name) => {
  for (const [rows, columns] of [
    [3, 4],
    [7, 8],
    [5, 2],
    [5, 5],
  ] as const) {
    const table = dinov2FormulaWeights([['pos_embed', [1, 26, 3]]]).pos_embed?.data.subarray(3) as Float32Array;
    const found = interpolatePositions(table, 3, 5, { rows, columns }, name === 'registers');
    const { values } = fixture(`position.${name}.${rows}x${columns}`);
    const expected = { shape: [rows * columns, 3], data: values.slice(3) };
    expect(relativeDifference({ shape: [rows * columns, 3], data: found }, expected)).toBeLessThan(2e-6);
  }
});

/** Parameters as transformers' Dinov2Model names them. */
function huggingFace(official: Record<string, HostTensor>, prefix: string): Record<string, HostTensor> {
  const replacements: readonly (readonly [RegExp, string])[] = [
    [/^(cls_token|register_tokens|mask_token)$/, 'embeddings.$1'],
    [/^pos_embed$/, 'embeddings.position_embeddings'],
    [/^patch_embed\.proj/, 'embeddings.patch_embeddings.projection'],
    [/^norm\./, 'layernorm.'],
    [/^blocks\./, 'encoder.layer.'],
    [/attn\.proj/, 'attention.output.dense'],
    [/ls(\d)\.gamma/, 'layer_scale$1.lambda1'],
    [/w12/, 'weights_in'],
    [/w3/, 'weights_out'],
  ];
  const renamed: Record<string, HostTensor> = { 'classifier.weight': float32([1]) };
  for (const [name, tensor] of Object.entries(official)) {
    const own = replacements.reduce((text, [pattern, by]) => text.replace(pattern, by), name);
    if (!own.includes('attn.qkv')) renamed[prefix + own] = tensor;
    else {
      const { shape, data } = tensor;
      const [rows = 0, ...rest] = shape;
      ['query', 'key', 'value'].forEach((part, i) => {
        const third = data.slice((i * data.length) / 3, ((i + 1) * data.length) / 3);
        renamed[prefix + own.replace('attn.qkv', `attention.attention.${part}`)] = float32([rows / 3, ...rest], third);
      });
    }
  }
  return renamed;
}
