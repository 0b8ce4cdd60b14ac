import { int32 } from '@dpar/tensor';
import { bytesFromImages, type ImageTokenizer } from '@dpar/tokenizer';
import { encode } from 'fast-png';
import { CommandError } from '../command/errors.js';
import type { GridPicture } from './labelled-grid.js';

/** Square RGB images: bytes [N, S, S, 3]. */
export interface Images {
  readonly data: Uint8Array;
  /** Width and height in pixels, S. */
  readonly size: number;
}

/** One image of several. */
export function imageAt({ data, size }: Images, index: number): Images {
  const bytes = 3 * size * size;
  return { data: data.subarray(index * bytes, (index + 1) * bytes), size };
}

/** Number of images. */
export function countImages({ data, size }: Images): number {
  return data.length / (3 * size * size);
}

/** A PNG file of one image. @param text Text in it, by keyword. */
export function pngOf({ data, size }: Images, text?: Record<string, string>): Uint8Array {
  return encode({ width: size, height: size, data, channels: 3, depth: 8, ...(text && { text }) });
}

/** Pixels between the images of a grid. */
const gap = 2;

/** Longest side of a grid in pixels that common viewers open. */
const largestSide = 32_768;

/** Columns of a grid: one for each of up to 16 classes, else about as many as rows. */
export function gridColumns(images: number, classes: number): number {
  return classes > 1 && classes <= 16 && images > classes ? classes : Math.ceil(Math.sqrt(images));
}

/** Layout of a grid of images. */
export interface GridLayout {
  readonly columns: number;
  /** Width and height of an image in pixels. */
  readonly size: number;
  /** Width of the grid in pixels. */
  readonly width: number;
  /** Height of the grid in pixels. */
  readonly height: number;
}

/** Computes the layout of a grid. @throws CommandError if one picture cannot hold all images. */
export function gridLayout(images: number, columns: number, size: number): GridLayout {
  const rows = Math.ceil(images / columns);
  const [width, height] = [columns, rows].map((n) => n * (size + gap) + gap) as [number, number];
  if (width > largestSide || height > largestSide) {
    throw new CommandError(
      `expected a grid of at most ${largestSide} pixels a side, got ${width} x ${height}. Write a folder of images instead.`,
    );
  }
  return { columns, size, width, height };
}

/** A picture of images on white, row by row. */
export class Grid {
  private readonly data: Uint8Array;

  constructor(private readonly layout: GridLayout) {
    this.data = new Uint8Array(3 * layout.width * layout.height).fill(255);
  }

  /** Draws images at position `start` and the positions after it. */
  draw(start: number, images: Images): void {
    const { columns, size, width } = this.layout;
    for (let i = 0; i < countImages(images); i++) {
      const left = gap + ((start + i) % columns) * (size + gap);
      const top = gap + Math.floor((start + i) / columns) * (size + gap);
      const image = imageAt(images, i).data;
      for (let y = 0; y < size; y++) {
        this.data.set(image.subarray(3 * y * size, 3 * (y + 1) * size), 3 * ((top + y) * width + left));
      }
    }
  }

  /** Bytes and layout of the picture. */
  get picture(): GridPicture {
    return { data: this.data, ...this.layout };
  }

  /** The PNG file. */
  png(): Uint8Array {
    const { width, height } = this.layout;
    return encode({ width, height, data: this.data, channels: 3, depth: 8 });
  }
}

/** Decodes tokens to images and measures the time. */
export class ImageDecoder {
  private total = 0;

  /** @param tokensPerImage Tokens of an image, a square number T. */
  constructor(
    private readonly tokenizer: ImageTokenizer,
    private readonly tokensPerImage: number,
  ) {}

  /** Width and height of the images in pixels, S. */
  get imageSize(): number {
    return Math.round(Math.sqrt(this.tokensPerImage)) * this.tokenizer.factor;
  }

  /** Total time of decoding, in seconds. */
  get seconds(): number {
    return this.total;
  }

  /** Decodes images. @param tokens [count, T] */
  async decode(tokens: Int32Array, count: number): Promise<Images> {
    const begun = performance.now();
    const decoded = await this.tokenizer.decode(int32([count, tokens.length / count], tokens));
    const images = { data: bytesFromImages(decoded), size: this.imageSize };
    this.total += (performance.now() - begun) / 1000;
    return images;
  }
}
