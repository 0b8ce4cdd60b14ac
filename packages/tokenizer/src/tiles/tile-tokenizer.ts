import { DparError, float32, type HostTensorOf, int32 } from '@dpar/tensor';
import { gridOf, gridOfImages } from '../grid.js';
import type { ImageTokenizer } from '../image-tokenizer.js';
import { blendWeights, ownedSpans, tileSpans } from './axis.js';
import { addBlended, cropCodes, cropImages } from './crop.js';

/** How images are cut, in codes. */
export interface TileOptions {
  /** Width and height of a tile; default: those of the images that the tokenizer was trained on. */
  readonly tileSize?: number | undefined;
  /** Least that neighbouring tiles have in common; default: a quarter of a tile, and at least twice the margin. */
  readonly overlap?: number | undefined;
  /** Codes next to a tile's edge within the image of which nothing is taken (default 1): what lies beyond is missing there. */
  readonly margin?: number | undefined;
}

/**
 * A tokenizer that cuts images which are larger than a tile into overlapping tiles, so that memory and time for each pixel do
 * not grow with their size. Decoded tiles are blended linearly across their overlaps; each code comes from the tile in
 * which it lies farthest from an edge. Smaller images pass as they are.
 *
 * Of LlamaGen's tokenizer this is an approximation: its norms and attention see the whole image, and in tiles the tile.
 * A patch VQ sees its neighbouring codes only, and with a margin of 1 gives the same pixels.
 *
 * @throws DparError if the overlap leaves no room for the margins, or takes more than half a tile.
 */
export function tileTokenizer(tokenizer: ImageTokenizer, options: TileOptions = {}): ImageTokenizer {
  const { tileSize = tokenizer.gridSize, margin = 1 } = options;
  const overlap = options.overlap ?? Math.max(2 * margin, Math.floor(tileSize / 4));
  const whole = [tileSize, overlap, margin].every((value) => Number.isInteger(value) && value >= 0);
  if (!whole || tileSize < 1 || overlap < 2 * margin || 2 * overlap > tileSize) {
    throw new DparError(
      'tileTokenizer: expected whole numbers with 2 margin <= overlap <= tileSize / 2, ' +
        `got margin ${margin}, overlap ${overlap} and tileSize ${tileSize}. Use larger tiles.`,
    );
  }
  const { factor } = tokenizer;
  const spansOf = (length: number) => tileSpans(length, tileSize, overlap);

  return {
    ...tokenizer,
    async encode(images) {
      const { rows, columns } = gridOfImages('encode', images.shape, factor);
      if (rows <= tileSize && columns <= tileSize) return tokenizer.encode(images);
      const [B = 0] = images.shape;
      const codes = int32([B, rows * columns]);
      const [down, across] = [spansOf(rows), spansOf(columns)];
      const [ownedDown, ownedAcross] = [ownedSpans(down), ownedSpans(across)];
      for (const [i, y] of down.entries()) {
        for (const [j, x] of across.entries()) {
          const tile = await tokenizer.encode(cropImages(images, y, x, factor));
          const [ownY, ownX] = [ownedDown[i], ownedAcross[j]];
          if (ownY === undefined || ownX === undefined) continue;
          for (let b = 0; b < B; b++) {
            for (let row = ownY.from; row < ownY.to; row++) {
              const from = (b * y.size + row - y.start) * x.size - x.start;
              const to = (b * rows + row) * columns;
              codes.data.set(tile.data.subarray(from + ownX.from, from + ownX.to), to + ownX.from);
            }
          }
        }
      }
      return codes;
    },
    async decode(codes) {
      const { rows, columns } = gridOf('decode', codes.shape);
      const [B = 0] = codes.shape;
      const grid: HostTensorOf<'int32'> = { dtype: 'int32', shape: [B, rows, columns], data: codes.data };
      if (rows <= tileSize && columns <= tileSize) return tokenizer.decode(grid);
      const images = float32([B, 3, rows * factor, columns * factor]);
      const [down, across] = [spansOf(rows), spansOf(columns)];
      const [weightsDown, weightsAcross] = [down, across].map((spans) => blendWeights(spans, factor, margin)) as [
        Float32Array[],
        Float32Array[],
      ];
      for (const [i, y] of down.entries()) {
        for (const [j, x] of across.entries()) {
          const tile = await tokenizer.decode(cropCodes(grid, y, x));
          const weights = [weightsDown[i] as Float32Array, weightsAcross[j] as Float32Array] as const;
          addBlended(images, tile, [y.start * factor, x.start * factor], weights);
        }
      }
      return images;
    },
  };
}
