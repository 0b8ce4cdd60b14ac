import { float32, type HostTensorOf, int32 } from '@dpar/tensor';
import type { TileSpan } from './axis.js';

/** The pixels of a tile: [B, 3, H, W] -> [B, 3, h, w]. Spans are in codes of `factor` pixels. */
export function cropImages(
  images: HostTensorOf<'float32'>,
  down: TileSpan,
  across: TileSpan,
  factor: number,
): HostTensorOf<'float32'> {
  const [B = 0, , , width = 0] = images.shape;
  const height = images.shape[2] ?? 0;
  const [h, w] = [down.size * factor, across.size * factor];
  const tile = float32([B, 3, h, w]);
  for (let plane = 0; plane < 3 * B; plane++) {
    for (let row = 0; row < h; row++) {
      const from = (plane * height + down.start * factor + row) * width + across.start * factor;
      tile.data.set(images.data.subarray(from, from + w), (plane * h + row) * w);
    }
  }
  return tile;
}

/** The codes of a tile: [B, rows, columns] -> [B, h, w]. */
export function cropCodes(codes: HostTensorOf<'int32'>, down: TileSpan, across: TileSpan): HostTensorOf<'int32'> {
  const [B = 0, rows = 0, columns = 0] = codes.shape;
  const tile = int32([B, down.size, across.size]);
  for (let b = 0; b < B; b++) {
    for (let row = 0; row < down.size; row++) {
      const from = (b * rows + down.start + row) * columns + across.start;
      tile.data.set(codes.data.subarray(from, from + across.size), (b * down.size + row) * across.size);
    }
  }
  return tile;
}

/** Adds a tile [B, 3, h, w] to images [B, 3, H, W] at (top, left), times the weights of its rows and columns. */
export function addBlended(
  images: HostTensorOf<'float32'>,
  tile: HostTensorOf<'float32'>,
  [top, left]: readonly [number, number],
  [rowWeights, columnWeights]: readonly [Float32Array, Float32Array],
): void {
  const [B = 0, , height = 0, width = 0] = images.shape;
  const [h, w] = [rowWeights.length, columnWeights.length];
  for (let plane = 0; plane < 3 * B; plane++) {
    for (let row = 0; row < h; row++) {
      const to = (plane * height + top + row) * width + left;
      const from = (plane * h + row) * w;
      const weight = rowWeights[row] as number;
      for (let i = 0; i < w; i++) {
        const added = weight * (columnWeights[i] as number) * (tile.data[from + i] as number);
        images.data[to + i] = (images.data[to + i] as number) + added;
      }
    }
  }
}
