import { lengthsFromStarts } from '@dpar/patchify';
import type { SampleStep } from '@dpar/sampler';

/** Images of T tokens while they are drawn. */
export class Drawing {
  /** Tokens so far, in raster order; 0 where none is drawn: int32 [N, T]. */
  readonly tokens: Int32Array;
  /** [N, T], 1 where a patch starts. */
  private readonly startsPatch: Uint8Array;
  /** Tokens of each image that are drawn, [N]. */
  readonly drawn: Int32Array;
  /** Drawn tokens of all images. */
  done = 0;

  constructor(
    readonly images: number,
    readonly tokensPerImage: number,
  ) {
    this.tokens = new Int32Array(images * tokensPerImage);
    this.startsPatch = new Uint8Array(images * tokensPerImage);
    this.drawn = new Int32Array(images);
  }

  add({ images, positions, tokens, startsPatch }: SampleStep): void {
    images.forEach((image, i) => {
      const position = positions[i] as number;
      const at = image * this.tokensPerImage + position;
      this.tokens[at] = tokens[i] as number;
      this.startsPatch[at] = startsPatch[i] as number;
      this.drawn[image] = position + 1;
    });
    this.done += images.length;
  }

  /** Lengths of the patches of each image so far. */
  patchLengths(): Int32Array[] {
    return Array.from(this.drawn, (drawn, image) => {
      const first = image * this.tokensPerImage;
      return lengthsFromStarts(this.startsPatch.subarray(first, first + drawn));
    });
  }
}

/**
 * Paints the tokens white that are not drawn.
 * @param bytes Images [N, S, S, 3]
 * @param drawn Drawn tokens of each image, in raster order: [N]
 * @param gridSize Rows and columns of the grid of tokens.
 */
export function eraseUndrawn(bytes: Uint8Array, drawn: ArrayLike<number>, gridSize: number): void {
  const size = Math.sqrt(bytes.length / 3 / drawn.length);
  const pixels = size / gridSize;
  for (let image = 0; image < drawn.length; image++) {
    for (let y = 0; y < size; y++) {
      const before = Math.floor(y / pixels) * gridSize;
      const columns = Math.min(gridSize, Math.max(0, (drawn[image] as number) - before));
      const row = 3 * (image * size + y) * size;
      bytes.fill(255, row + 3 * columns * pixels, row + 3 * size);
    }
  }
}
