import type { HostTensorOf } from '@dpar/tensor';

/** Turns square images into grids of discrete codes and back. B images of S x S pixels, T = gridSize^2 codes each. */
export interface ImageTokenizer {
  /** Number of different codes, V: codes are 0..V - 1. */
  readonly codebookSize: number;
  /** Rows of the grid of codes, and columns. */
  readonly gridSize: number;
  /** Width and height of an image in pixels, S. */
  readonly imageSize: number;
  /**
   * @param images [B, 3, S, S], red, green and blue in -1..1: see `imagesFromBytes`.
   * @returns Codes in raster order, [B, T].
   */
  encode(images: HostTensorOf<'float32'>): Promise<HostTensorOf<'int32'>>;
  /**
   * @param codes [B, T]
   * @returns [B, 3, S, S] in about -1..1, not clipped: see `bytesFromImages`.
   */
  decode(codes: HostTensorOf<'int32'>): Promise<HostTensorOf<'float32'>>;
  /** Frees what was compiled. */
  dispose(): Promise<void>;
}
