import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { Grid, gridColumns, gridLayout, imageAt, pngOf } from './grid.js';
import { newPixelData, type PixelData } from './pixel-data.js';

/** Content of {@link Images}: N square images of S pixels a side and T tokens. */
export interface ImagesContent {
  /** S */
  readonly size: number;
  /** [N, S, S, 3] */
  readonly bytes: Uint8Array;
  /** int32 [N, T] */
  readonly tokens: Int32Array;
  /** int32 [N] */
  readonly labels?: Int32Array | undefined;
  /** [N] */
  readonly names?: readonly string[] | undefined;
  /** [N] */
  readonly patchLengths?: readonly Int32Array[] | undefined;
}

const contentKinds: KindsOf<ImagesContent> = {
  size: 'number',
  bytes: 'Uint8Array',
  tokens: 'Int32Array',
  'labels?': 'Int32Array',
  'names?': 'string[]',
  'patchLengths?': 'object[]',
};

/** Pictures of a model. */
export class Images {
  /** Width of each image in pixels. */
  readonly width: number;
  /** Height of each image in pixels. */
  readonly height: number;
  /** Number of images, N. */
  readonly count: number;
  /** Red, green and blue, 0..255: uint8 [N, height, width, 3]. */
  readonly bytes: Uint8Array;
  /** Tokens of the images in raster order: int32 [N, T]. */
  readonly tokens: Int32Array;
  /**
   * Class of each image, int32 [N]; the number of classes stands for no class. Of a prompt, that of its first word. Undefined for
   * reconstructed images.
   */
  readonly labels: Int32Array | undefined;
  /** Name of the class of each image, or its number if the model has no names; the words of a prompt. Undefined for reconstructed images. */
  readonly names: readonly string[] | undefined;
  /** Patch lengths of each image, which sum to its tokens. Undefined for reconstructed images. */
  readonly patchLengths: readonly Int32Array[] | undefined;

  constructor(content: ImagesContent) {
    checkArguments('Images', { content }, { content: contentKinds });
    const { size, bytes, tokens, labels, names, patchLengths } = content;
    this.width = size;
    this.height = size;
    this.count = bytes.length / (3 * size * size);
    this.bytes = bytes;
    this.tokens = tokens;
    this.labels = labels;
    this.names = names;
    this.patchLengths = patchLengths;
  }

  /** Encodes an image as a PNG file. @throws DparError if there is no such image. */
  png(index = 0): Uint8Array {
    checkArguments('Images.png', { index }, { 'index?': 'number' });
    return pngOf({ data: this.pixelsOf('Images.png', index), size: this.width });
  }

  /**
   * Encodes all images as one PNG file: a grid on white.
   * @param columns Columns of the grid. Default: one for each class, or about as many as rows.
   * @throws DparError if the grid is larger than viewers open.
   */
  grid(columns = gridColumns(this.count, new Set(this.labels).size)): Uint8Array {
    checkArguments('Images.grid', { columns }, { 'columns?': 'number' });
    if (!(Number.isInteger(columns) && columns >= 1)) {
      throw new DparError(
        `Images.grid: expected 'columns' to be a whole number >= 1, got ${columns}. Check 'columns'.`,
      );
    }
    const grid = new Grid(gridLayout(this.count, Math.min(columns, this.count), this.width));
    grid.draw(0, { data: this.bytes, size: this.width });
    return grid.png();
  }

  /**
   * Makes the `ImageData` of an image for a canvas; outside browsers a plain object with the same properties.
   * @throws DparError if there is no such image.
   */
  imageData(index = 0): PixelData {
    checkArguments('Images.imageData', { index }, { 'index?': 'number' });
    const rgb = this.pixelsOf('Images.imageData', index);
    const data = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
    for (let i = 0; i < rgb.length; i++) data[i + Math.floor(i / 3)] = rgb[i] as number; // every fourth byte is opacity
    return newPixelData(data, this.width, this.height);
  }

  private pixelsOf(caller: string, index: number): Uint8Array {
    if (Number.isInteger(index) && index >= 0 && index < this.count) {
      return imageAt({ data: this.bytes, size: this.width }, index).data;
    }
    throw new DparError(
      `${caller}: expected the number of an image from 0 to ${this.count - 1}, got ${index}. Check 'index'.`,
    );
  }
}
