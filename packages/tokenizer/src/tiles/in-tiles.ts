import { float32, type HostTensorOf } from '@dpar/tensor';
import { blendWeights, type TileSpan, tileSpans } from './axis.js';

/** Sizes of the tiles of an image, in codes. */
export interface Tiling {
  /** Width and height of a tile. */
  readonly size: number;
  /** Smallest overlap of neighbouring tiles, at least twice the margin and at most half a tile. */
  readonly overlap: number;
  /** Ignored codes at a tile's edges within the image, where the surroundings are missing. */
  readonly margin: number;
}

/** Points of a code in both directions: pixels of images, or 1. */
export interface Scales {
  readonly from: number;
  readonly to: number;
}

/**
 * Applies a function to overlapping tiles, one at a time, and blends the results linearly across the overlaps.
 * @param source [B, C, rows * from, columns * from]
 * @param run Function from a tile [B, C, r * from, c * from] to [B, D, r * to, c * to], with the same D for all.
 * @returns [B, D, rows * to, columns * to]
 */
export async function inTiles(
  source: HostTensorOf<'float32'>,
  { size, overlap, margin }: Tiling,
  { from, to }: Scales,
  run: (tile: HostTensorOf<'float32'>) => Promise<HostTensorOf<'float32'>>,
): Promise<HostTensorOf<'float32'>> {
  const [B = 0, , height = 0, width = 0] = source.shape;
  const [down, across] = [height / from, width / from].map((length) => tileSpans(length, size, overlap)) as [
    TileSpan[],
    TileSpan[],
  ];
  const rowWeights = blendWeights(down, to, margin);
  const columnWeights = blendWeights(across, to, margin);
  let target: HostTensorOf<'float32'> | undefined;
  for (const [i, y] of down.entries()) {
    for (const [j, x] of across.entries()) {
      const tile = await run(crop(source, y, x, from));
      target ??= float32([B, tile.shape[1] ?? 0, (height / from) * to, (width / from) * to]);
      const weights = [rowWeights[i] as Float32Array, columnWeights[j] as Float32Array] as const;
      addBlended(target, tile, y.start * to, x.start * to, weights);
    }
  }
  return target ?? float32([B, 0, 0, 0]);
}

function crop(images: HostTensorOf<'float32'>, down: TileSpan, across: TileSpan, scale: number) {
  const [B = 0, C = 0, height = 0, width = 0] = images.shape;
  const [h, w] = [down.size * scale, across.size * scale];
  const tile = float32([B, C, h, w]);
  for (let plane = 0; plane < B * C; plane++) {
    for (let row = 0; row < h; row++) {
      const start = (plane * height + down.start * scale + row) * width + across.start * scale;
      tile.data.set(images.data.subarray(start, start + w), (plane * h + row) * w);
    }
  }
  return tile;
}

/** Adds a tile at (top, left), multiplied by the weights of its rows and columns. */
function addBlended(
  { shape, data }: HostTensorOf<'float32'>,
  tile: HostTensorOf<'float32'>,
  top: number,
  left: number,
  [rowWeights, columnWeights]: readonly [Float32Array, Float32Array],
): void {
  const [B = 0, C = 0, height = 0, width = 0] = shape;
  const [h, w] = [rowWeights.length, columnWeights.length];
  for (let plane = 0; plane < B * C; plane++) {
    for (let row = 0; row < h; row++) {
      const to = (plane * height + top + row) * width + left;
      const from = (plane * h + row) * w;
      const weight = rowWeights[row] as number;
      for (let i = 0; i < w; i++) {
        const added = weight * (columnWeights[i] as number) * (tile.data[from + i] as number);
        data[to + i] = (data[to + i] as number) + added;
      }
    }
  }
}
