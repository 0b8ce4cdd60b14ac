import { writeConfig } from '@dpar/nn';
import { DparError, type Engine, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { type Codes, compileStage, engineTokenizer, type Pixels } from '../engine-tokenizer.js';
import { inTiles, type Tiling } from '../tiles/in-tiles.js';
import type { ImageTokenizer, TokenizerKind, TokenizerOptions } from '../tokenizer-kind.js';
import { codesOfLatents } from './codebook.js';
import { readVqConfig, type VqConfig, vqFactor, vqFields, vqPresets } from './config.js';
import { decodeCoarse, decodeFine, encodeCoarse, encodeFine, vqDecode, vqEncode, vqLatents } from './model.js';
import { usageCount, vqSpecs } from './specs.js';
import { vqTraining } from './training.js';

/** Pixels of one call of the engine: one image of 256 px. Larger batches are not faster. */
const pixelsPerCall = 256 * 256;

/**
 * Creates LlamaGen's VQ tokenizer on an engine. Images up to the size of a tile are exact. For larger images, the coarsest
 * level with its attention among all codes runs once. The finer levels run in overlapping tiles, which are blended
 * linearly. Their norms use the mean and variance of a tile.
 *
 * @throws DparError if the factor does not divide the tiles.
 */
function createVq(
  engine: Engine,
  config: VqConfig,
  parameters: Tensors<HostTensor>,
  options: TokenizerOptions = {},
): ImageTokenizer {
  const factor = vqFactor(config);
  const tiling = tilingOf(factor, options);
  const stages = {
    encode: compileStage<Pixels, Codes>(engine, parameters, (ops, p, x) => vqEncode(ops, config, p, x)),
    decode: compileStage<Codes, Pixels>(engine, parameters, (ops, p, x) => vqDecode(ops, config, p, x)),
    encodeFine: compileStage<Pixels, Pixels>(engine, parameters, (ops, p, x) => encodeFine(ops, config, p, x)),
    encodeCoarse: compileStage<Pixels, Codes>(engine, parameters, (ops, p, x) =>
      codesOfLatents(ops, config, p, encodeCoarse(ops, config, p, x)),
    ),
    decodeCoarse: compileStage<Codes, Pixels>(engine, parameters, (ops, p, x) => decodeCoarse(ops, config, p, x)),
    decodeFine: compileStage<Pixels, Pixels>(engine, parameters, (ops, p, x) => decodeFine(ops, config, p, x)),
  };
  const fitsTile = ({ shape }: HostTensor, scale: number) => shape.slice(-2).every((n) => n <= tiling.size * scale);
  return engineTokenizer({
    codebookSize: config.codebookSize,
    factor,
    imageSize: config.imageSize,
    pixelsPerCall,
    async encode(images) {
      if (fitsTile(images, factor)) return stages.encode.run(images);
      return stages.encodeCoarse.run(await inTiles(images, tiling, { from: factor, to: 1 }, stages.encodeFine.run));
    },
    async decode(codes) {
      if (fitsTile(codes, 1)) return stages.decode.run(codes);
      const cells = await stages.decodeCoarse.run(codes);
      return inTiles(cells, tiling, { from: 1, to: factor }, stages.decodeFine.run);
    },
    async dispose() {
      for (const stage of Object.values(stages)) await stage.dispose();
    },
  });
}

/** Tiles in codes. A quarter of the overlap is left out at each edge, where errors are largest. */
function tilingOf(factor: number, { tilePixels = 512, overlapPixels }: TokenizerOptions): Tiling {
  const size = tilePixels / factor;
  const overlap = overlapPixels === undefined ? Math.floor(size / 4) : overlapPixels / factor;
  const fits = Number.isInteger(size) && Number.isInteger(overlap) && overlap >= 0 && 2 * overlap <= size && size > 0;
  if (fits) return { size, overlap, margin: Math.floor(overlap / 4) };
  throw new DparError(
    `createTokenizer: expected tiles and overlaps that are multiples of ${factor} pixels, the overlap at most half a tile, ` +
      `got ${tilePixels} and ${overlapPixels ?? 'none'}. Choose other sizes.`,
  );
}

/** Names that only LlamaGen's tokenizer has. */
const ownName = /^((encoder|decoder)\.(conv_in|conv_out|conv_blocks|mid|norm_out)\.|quantize\.|(post_)?quant_conv\.)/;

const presets = Object.entries(vqPresets).map(([name, config]) => [name, () => writeConfig(config)] as const);

/** LlamaGen's VQ tokenizer as a kind of model. */
export const vqKind: TokenizerKind<VqConfig> = {
  name: 'vq',
  title: "LlamaGen's tokenizer",
  fields: vqFields,
  presets: Object.fromEntries(presets),
  readConfig: readVqConfig,
  writeConfig: (config) => ({ kind: 'vq', ...writeConfig(config) }),
  specs: vqSpecs,
  ignored: [usageCount],
  recognise: (names) => names.filter((name) => ownName.test(name)).length > names.length / 2,
  pixelsPerCode: vqFactor,
  encodeFunction: (config) => (ops, x) => {
    const latent = vqLatents(ops, config, x, named(x, 'image'));
    return { codes: codesOfLatents(ops, config, x, latent), latent };
  },
  decodeFunction: (config) => (ops, x) => ({ image: vqDecode(ops, config, x, named(x, 'codes')) }),
  hasLatents: true,
  create: createVq,
  training: vqTraining,
};
