import type { HostTensorOf } from '@dpar/tensor';

/**
 * Turns images into grids of discrete codes and back. B images of H x W pixels, T = H W / factor^2 codes each. H and W may be
 * any that the factor divides.
 */
export interface ImageTokenizer {
  /** Number of different codes, V: codes are 0..V - 1. */
  readonly codebookSize: number;
  /** Pixels for each code, in both directions. */
  readonly factor: number;
  /** Width and height in pixels of the images that it was trained on. */
  readonly imageSize: number;
  /** Rows of the grid of codes of such an image, and columns. */
  readonly gridSize: number;
  /**
   * @param images [B, 3, H, W], red, green and blue in -1..1: see `imagesFromBytes`.
   * @returns Codes in raster order, [B, T].
   */
  encode(images: HostTensorOf<'float32'>): Promise<HostTensorOf<'int32'>>;
  /**
   * @param codes [B, rows, columns], or [B, T] of square images
   * @returns [B, 3, H, W] in about -1..1, not clipped: see `bytesFromImages`.
   */
  decode(codes: HostTensorOf<'int32'>): Promise<HostTensorOf<'float32'>>;
  /** Frees what was compiled. */
  dispose(): Promise<void>;
}
