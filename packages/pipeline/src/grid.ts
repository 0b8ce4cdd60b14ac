import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { encode } from 'fast-png';
import { checkArguments } from './check-arguments.js';

/** Square RGB images: bytes [N, S, S, 3]. */
export interface SquareImages {
  readonly data: Uint8Array;
  /** Width and height in pixels, S. */
  readonly size: number;
}

const squareImagesKinds: KindsOf<SquareImages> = { data: 'Uint8Array', size: 'number', '*': 'any' };

/** One image of several. */
export function imageAt(images: SquareImages, index: number): SquareImages {
  checkArguments('imageAt', { images, index }, { images: squareImagesKinds, index: 'number' });
  const { data, size } = images;
  const bytes = 3 * size * size;
  return { data: data.subarray(index * bytes, (index + 1) * bytes), size };
}

/** Number of images. */
export function countImages(images: SquareImages): number {
  checkArguments('countImages', { images }, { images: squareImagesKinds });
  const { data, size } = images;
  return data.length / (3 * size * size);
}

/** A PNG file of one image. @param text Text in it, by keyword. */
export function pngOf(image: SquareImages, text?: Record<string, string>): Uint8Array {
  checkArguments('pngOf', { image, text }, { image: squareImagesKinds, 'text?': 'object' });
  const { data, size } = image;
  return encode({ width: size, height: size, data, channels: 3, depth: 8, ...(text && { text }) });
}

/** Pixels between the images of a grid. */
const gap = 2;

/** Longest side of a grid in pixels that common viewers open. */
const largestSide = 32_768;

/** Columns of a grid: one for each of up to 16 classes, else about as many as rows. */
export function gridColumns(images: number, classes: number): number {
  checkArguments('gridColumns', { images, classes }, { images: 'number', classes: 'number' });
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

/** A picture of a grid. */
export interface GridPicture extends GridLayout {
  /** Red, green and blue: bytes [height, width, 3]. */
  readonly data: Uint8Array;
}

/** Computes the layout of a grid. @throws DparError if one picture cannot hold all images. */
export function gridLayout(images: number, columns: number, size: number): GridLayout {
  checkArguments('gridLayout', { images, columns, size }, { images: 'number', columns: 'number', size: 'number' });
  const rows = Math.ceil(images / columns);
  const [width, height] = [columns, rows].map((n) => n * (size + gap) + gap) as [number, number];
  if (width > largestSide || height > largestSide) {
    throw new DparError(
      `gridLayout: expected a grid of at most ${largestSide} pixels a side, got ${width} x ${height}. Write a folder of images instead.`,
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
  draw(start: number, images: SquareImages): void {
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
