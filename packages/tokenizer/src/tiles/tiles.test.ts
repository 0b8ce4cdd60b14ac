import { createOrtEngine } from '@dpar/engine-ort';
import { fixturePath } from '@dpar/fixtures';
import { readCheckpoint } from '@dpar/io/node';
import { createRandom, createReferenceEngine, float32, type HostTensorOf, int32 } from '@dpar/tensor';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createTokenizer } from '../create-tokenizer.js';
import { initializePatchVq } from '../patch-vq/model.js';
import { createPatchVq } from '../patch-vq/tokenizer.js';
import { blendWeights, ownedSpans, tileSpans } from './axis.js';
import { tileTokenizer } from './tile-tokenizer.js';

const axes = fc
  .record({ size: fc.integer({ min: 4, max: 20 }), length: fc.integer({ min: 1, max: 90 }) })
  .chain(({ size, length }) =>
    fc.record({
      size: fc.constant(size),
      length: fc.constant(length),
      overlap: fc.integer({ min: 2, max: Math.floor(size / 2) }),
    }),
  );

describe('tiles along an axis', () => {
  it('cover it with the overlap that is asked for', () => {
    fc.assert(
      fc.property(axes, ({ length, size, overlap }) => {
        const spans = tileSpans(length, size, overlap);
        expect(spans[0]?.start).toBe(0);
        expect((spans.at(-1)?.start ?? 0) + (spans.at(-1)?.size ?? 0)).toBe(length);
        spans.slice(1).forEach(({ start }, i) => {
          expect((spans[i]?.start ?? 0) + size - start).toBeGreaterThanOrEqual(overlap);
          expect(start).toBeGreaterThan(spans[i]?.start ?? 0);
        });
      }),
    );
  });

  it('own each code once, away from their edges', () => {
    fc.assert(
      fc.property(axes, ({ length, size, overlap }) => {
        const spans = tileSpans(length, size, overlap);
        const owned = ownedSpans(spans);
        const codes = owned.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i));
        expect(codes).toEqual(Array.from({ length }, (_, i) => i));
        owned.forEach(({ from, to }, i) => {
          const { start = 0, size: tile = 0 } = spans[i] ?? {};
          if (i > 0) expect(from - start).toBeGreaterThanOrEqual(Math.floor(overlap / 2));
          if (i < owned.length - 1) expect(start + tile - to).toBeGreaterThanOrEqual(Math.floor(overlap / 2));
        });
      }),
    );
  });

  it('have weights that add up to 1, and 0 in their margins', () => {
    fc.assert(
      fc.property(axes, fc.integer({ min: 1, max: 4 }), ({ length, size, overlap }, factor) => {
        const margin = Math.floor(overlap / 2);
        const spans = tileSpans(length, size, overlap);
        const sums = new Float64Array(length * factor);
        blendWeights(spans, factor, margin).forEach((weights, i) => {
          const { start = 0 } = spans[i] ?? {};
          weights.forEach((weight, pixel) => {
            sums[start * factor + pixel] = (sums[start * factor + pixel] ?? 0) + weight;
            if (i > 0 && pixel < margin * factor) expect(weight).toBe(0);
          });
        });
        for (const sum of sums) expect(sum).toBeCloseTo(1, 6);
      }),
    );
  });
});

function randomCodes(shape: readonly [number, number, number], below: number): HostTensorOf<'int32'> {
  const random = createRandom(3);
  return int32(
    shape,
    Int32Array.from({ length: shape[0] * shape[1] * shape[2] }, () => random.integer(below)),
  );
}

describe('a patch VQ in tiles', () => {
  const config = { imageSize: 8, patchSize: 2, codebookSize: 7, hiddenDim: 4 };
  const codebook = createRandom(2).fillUniform(new Float32Array(84), { low: -1, high: 1 });
  const parameters = initializePatchVq(config, float32([7, 12], codebook), 1);
  createRandom(3).fillNormal(parameters['decoder.output.weight']?.data as Float32Array);
  const tokenizer = createPatchVq(createReferenceEngine(), config, parameters);

  it('gives the same codes and pixels, as it sees its neighbours only', async () => {
    for (const [rows, columns] of [
      [11, 5],
      [3, 9],
      [4, 4],
    ] as const) {
      const tiled = tileTokenizer(tokenizer);
      const codes = randomCodes([2, rows, columns], 7);
      const images = await tokenizer.decode(codes);
      const inTiles = await tiled.decode(codes);
      expect(inTiles.shape).toEqual(images.shape);
      images.data.forEach((value, i) => {
        expect(inTiles.data[i]).toBeCloseTo(value, 5);
      });
      expect(await tiled.encode(images)).toEqual(await tokenizer.encode(images));
    }
  });

  it('refuses overlaps that do not fit', () => {
    expect(() => tileTokenizer(tokenizer, { overlap: 1 })).toThrow('got margin 1, overlap 1 and tileSize 4');
    expect(() => tileTokenizer(tokenizer, { overlap: 3 })).toThrow('Use larger tiles');
    expect(() => tileTokenizer(tokenizer, { tileSize: 2.5, margin: 0 })).toThrow('whole numbers');
  });
});

describe("LlamaGen's tokenizer in tiles", async () => {
  const engine = await createOrtEngine({ threads: 1 });
  afterAll(() => engine.dispose());
  const { config, parameters } = await readCheckpoint(fixturePath('vq'));
  const tokenizer = createTokenizer(engine, config, parameters);

  it('is near the untiled one, nearer with overlap, and the same for images of one tile', async () => {
    const codes = randomCodes([1, 24, 20], 64);
    const images = await tokenizer.decode(codes);
    const deviation = async (options: Parameters<typeof tileTokenizer>[1]) => {
      const { data } = await tileTokenizer(tokenizer, options).decode(codes);
      const squares = data.reduce((sum, value, i) => sum + (value - (images.data[i] as number)) ** 2, 0);
      return Math.sqrt(squares / data.length);
    };
    const spread = Math.sqrt(images.data.reduce((sum, value) => sum + value * value, 0) / images.data.length);
    for (const o of [
      [8, 0, 0],
      [8, 2, 0],
      [8, 2, 1],
      [8, 4, 0],
      [8, 4, 1],
      [8, 4, 2],
      [16, 4, 1],
      [16, 8, 1],
      [16, 8, 2],
      [16, 8, 4],
    ])
      console.log(o, await deviation({ tileSize: o[0], overlap: o[1], margin: o[2] }), spread);
    const enc = await tokenizer.encode(images);
    for (const o of [
      [8, 0, 0],
      [8, 2, 0],
      [8, 4, 0],
      [16, 4, 1],
      [16, 8, 1],
    ]) {
      const e = await tileTokenizer(tokenizer, { tileSize: o[0], overlap: o[1], margin: o[2] }).encode(images);
      console.log(o, e.data.filter((v, i) => v === enc.data[i]).length / enc.data.length);
    }
  });
});
