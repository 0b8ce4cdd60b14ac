import { checkParameters } from '@dpar/nn';
import { DparError, type Engine, type HostTensor, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type Codes, compileStage, engineTokenizer, type Pixels } from '../engine-tokenizer.js';
import type { ImageTokenizer } from '../image-tokenizer.js';
import { type TokenizerOptions, tokenizerOptionsKinds } from '../kinds/tokenizer-kind.js';
import { inTiles, type Tiling } from '../tiles/in-tiles.js';
import { codesOfLatents } from './codebook.js';
import { type VqConfig, vqConfigKinds, vqFactor } from './config.js';
import { decodeCoarse, decodeFine, encodeCoarse, encodeFine, vqDecode, vqEncode } from './model.js';
import { usageCount, vqSpecs } from './specs.js';

/** Pixels that one call of the engine takes: one image of 256 px. More at a time are no faster. */
const pixelsPerCall = 256 * 256;

/**
 * LlamaGen's VQ tokenizer on an engine. Images up to the size of a tile are exact. Of larger ones the coarsest level, with its
 * attention among all codes, is computed at once, and the finer levels in overlapping tiles that are blended linearly:
 * what differs is that their norms take the mean and variance of a tile, and that a tile ends at its edge.
 *
 * @throws DparError if the parameters are not those of the configuration, or tiles are no multiples of the factor.
 */
export function createVq(
  engine: Engine,
  config: VqConfig,
  parameters: Tensors<HostTensor>,
  options: TokenizerOptions = {},
): ImageTokenizer {
  checkArguments(
    'createVq',
    { engine, config, parameters, options },
    { engine: 'Engine', config: vqConfigKinds, parameters: 'object', 'options?': tokenizerOptionsKinds },
  );

  const { [usageCount]: _, ...weights } = parameters;
  checkParameters(vqSpecs(config), weights);
  const factor = vqFactor(config);
  const tiling = tilingOf(factor, options);
  const stages = {
    encode: compileStage<Pixels, Codes>(engine, weights, (ops, p, x) => vqEncode(ops, config, p, x)),
    decode: compileStage<Codes, Pixels>(engine, weights, (ops, p, x) => vqDecode(ops, config, p, x)),
    encodeFine: compileStage<Pixels, Pixels>(engine, weights, (ops, p, x) => encodeFine(ops, config, p, x)),
    encodeCoarse: compileStage<Pixels, Codes>(engine, weights, (ops, p, x) =>
      codesOfLatents(ops, config, p, encodeCoarse(ops, config, p, x)),
    ),
    decodeCoarse: compileStage<Codes, Pixels>(engine, weights, (ops, p, x) => decodeCoarse(ops, config, p, x)),
    decodeFine: compileStage<Pixels, Pixels>(engine, weights, (ops, p, x) => decodeFine(ops, config, p, x)),
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

/** Tiles in codes. A quarter of the overlap is left out at each edge, where what lies beyond is missing most. */
function tilingOf(factor: number, { tilePixels = 512, overlapPixels }: TokenizerOptions): Tiling {
  const size = tilePixels / factor;
  const overlap = overlapPixels === undefined ? Math.floor(size / 4) : overlapPixels / factor;
  const fits = Number.isInteger(size) && Number.isInteger(overlap) && overlap >= 0 && 2 * overlap <= size && size > 0;
  if (fits) return { size, overlap, margin: Math.floor(overlap / 4) };
  throw new DparError(
    `createVq: expected tiles and overlaps that are multiples of ${factor} pixels, the overlap at most half a tile, ` +
      `got ${tilePixels} and ${overlapPixels ?? 'none'}. Choose other sizes.`,
  );
}
