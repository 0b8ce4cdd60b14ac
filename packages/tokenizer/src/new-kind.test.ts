import { temporaryFolder } from '@dpar/config/temporary-folder';
import { llamaGenKind } from '@dpar/model';
import { loadModel, saveModel } from '@dpar/model/node';
import { type Fields, readConfig, signatureOf, wholeNumber, writeConfig, zeros } from '@dpar/nn';
import { createReferenceEngine, float32, int32, named, type Ops, type Tensors } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { nearestCodes } from './codes.js';
import { createTokenizer, type TokenizerModel, tokenizerGraphs } from './create-tokenizer.js';
import { type Codes, compileStage, engineTokenizer, type Pixels } from './engine-tokenizer.js';
import { tokenizerKinds } from './kinds.js';
import type { TokenizerKind } from './tokenizer-kind.js';

/** A tokenizer that codes each square cell of an image by the nearest colour of a palette. */
interface PaletteConfig {
  readonly imageSize: number;
  readonly codebookSize: number;
  /** Width and height of a cell in pixels. */
  readonly cellSize: number;
}

const fields: Fields<PaletteConfig> = {
  imageSize: wholeNumber(1),
  codebookSize: wholeNumber(1),
  cellSize: wholeNumber(1),
};

/** [B, 3, H, W] -> int32 [B, T] */
function encode<T>(ops: Ops<T>, { cellSize: p }: PaletteConfig, parameters: Tensors<T>, images: T): T {
  const [B = 0, , H = 0, W = 0] = ops.shapeOf(images);
  const cells = ops.mean(ops.reshape(images, [B, 3, H / p, p, W / p, p]), { axes: [3, 5] }); // [B, 3, rows, columns]
  const colours = ops.transpose(ops.reshape(cells, [B, 3, -1]), [0, 2, 1]); // [B, T, 3]
  return nearestCodes(ops, named(parameters, 'palette'), colours);
}

/** int32 [B, rows, columns], or [B, T] of square images -> [B, 3, H, W] */
function decode<T>(ops: Ops<T>, { cellSize: p }: PaletteConfig, parameters: Tensors<T>, codes: T): T {
  const [B = 0, T = 0, columns = 0] = ops.shapeOf(codes);
  const grid = columns > 0 ? codes : ops.reshape(codes, [B, Math.sqrt(T), Math.sqrt(T)]);
  const colours = ops.takeRows(named(parameters, 'palette'), grid); // [B, rows, columns, 3]
  return ops.resizeNearest(ops.transpose(colours, [0, 3, 1, 2]), p);
}

const paletteKind: TokenizerKind<PaletteConfig> = {
  name: 'palette',
  title: 'palette',
  fields,
  presets: { two: () => ({ codebook_size: 2, cell_size: 2 }) },
  readConfig: (json) => readConfig('paletteKind.readConfig', json, fields),
  writeConfig: (config) => ({ kind: 'palette', ...writeConfig(config) }),
  specs: ({ codebookSize }) => ({ palette: zeros([codebookSize, 3]) }),
  recognise: (names) => names.includes('palette'),
  pixelsPerCode: ({ cellSize }) => cellSize,
  encodeFunction: (config) => (ops, x) => ({ codes: encode(ops, config, x, named(x, 'image')) }),
  decodeFunction: (config) => (ops, x) => ({ image: decode(ops, config, x, named(x, 'codes')) }),
  hasLatents: false,
  create(engine, config, parameters) {
    const encoder = compileStage<Pixels, Codes>(engine, parameters, (ops, p, x) => encode(ops, config, p, x));
    const decoder = compileStage<Codes, Pixels>(engine, parameters, (ops, p, x) => decode(ops, config, p, x));
    return engineTokenizer({
      codebookSize: config.codebookSize,
      factor: config.cellSize,
      imageSize: config.imageSize,
      pixelsPerCall: 1 << 20,
      encode: encoder.run,
      decode: decoder.run,
      async dispose() {
        await encoder.dispose();
        await decoder.dispose();
      },
    });
  },
};

const kinds = [...tokenizerKinds, paletteKind];
const config = { imageSize: 4, codebookSize: 2, cellSize: 2 };
const palette = float32([2, 3], [1, 1, 1, -1, 0, 0.5]);
const model = { kind: paletteKind, config, parameters: { palette } };
const engine = createReferenceEngine();
/** Two images of 2 x 2 cells. */
const codes = int32([2, 4], [0, 1, 1, 0, 1, 1, 1, 0]);

describe('a new kind of tokenizer', () => {
  it('is saved and loaded', async () => {
    const folder = `${await temporaryFolder()}/palette`;
    await saveModel(folder, model);
    expect(await loadModel(folder, { kinds })).toEqual(model);
    await expect(loadModel(folder, { kinds: tokenizerKinds })).rejects.toThrow(
      `expected a model of kind "vq" or "patch-vq" in '${folder}', got "palette"`,
    );
  });

  it('decodes and encodes on an engine', async () => {
    const tokenizer = createTokenizer(engine, model);
    expect([tokenizer.codebookSize, tokenizer.factor, tokenizer.gridSize]).toEqual([2, 2, 2]);
    const images = await tokenizer.decode(codes);
    expect(images.shape).toEqual([2, 3, 4, 4]);
    // The first row of red in the first image: two pixels of each cell.
    expect([...images.data.subarray(0, 4)]).toEqual([1, 1, -1, -1]);
    expect(await tokenizer.encode(images)).toEqual(codes);
    await tokenizer.dispose();
  });

  it('refuses parameters that are not those of its configuration', () => {
    const wrong = { ...model, parameters: { palette: float32([1, 3]) } };
    expect(() => createTokenizer(engine, wrong)).toThrow('palette is float32[1, 3] instead of float32[2, 3]');
  });

  it('is told from models that are no tokenizers', () => {
    const other = { kind: llamaGenKind, config: {}, parameters: {} } as unknown as TokenizerModel;
    expect(() => createTokenizer(engine, other)).toThrow('createTokenizer: expected the model of a tokenizer, got a');
    expect(() => tokenizerGraphs(other)).toThrow('a model of kind "llamagen". Load it with the kinds of tokenizers');
  });

  it('is exported as graphs', async () => {
    const [encoder, decoder] = tokenizerGraphs(model);
    expect([encoder?.name, decoder?.name]).toEqual(['encode', 'decode']);
    expect(encoder?.config).toEqual({ kind: 'palette', image_size: 4, codebook_size: 2, cell_size: 2 });
    expect(Object.keys(encoder?.outputs ?? {})).toEqual(['codes']);
    expect(encoder && signatureOf(encoder)).toEqual({
      types: { image: { dtype: 'float32', shape: [1, 3, 4, 4] } },
      dynamicAxes: { image: { 0: 'batch' } },
    });
    const decoded = await engine.compile(paletteKind.decodeFunction(config)).run({ palette, codes });
    const image = named(decoded, 'image');
    expect(encoder && (await engine.compile(encoder.fn).run({ palette, image }))).toEqual({ codes });
  });
});
