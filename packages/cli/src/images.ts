import { encode } from 'fast-png';
import { CommandError } from './errors.js';

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

/** A PNG file of one image. */
export function pngOf({ data, size }: Images): Uint8Array {
  return encode({ width: size, height: size, data, channels: 3, depth: 8 });
}

/** Pixels between the images of a grid. */
const gap = 2;

/** Most pixels of a grid on a side: what common viewers open. */
const largestSide = 32_768;

/** Columns of a grid: one for each class while that is readable, else about as many as rows. */
export function gridColumns(images: number, classes: number): number {
  return classes > 1 && classes <= 16 && images > classes ? classes : Math.ceil(Math.sqrt(images));
}

/**
 * A PNG file of all images, row by row, on white.
 * @throws CommandError if there are too many for one picture.
 */
export function gridPng(images: Images, columns: number): Uint8Array {
  const { size } = images;
  const count = countImages(images);
  const rows = Math.ceil(count / columns);
  const [width, height] = [columns, rows].map((n) => n * (size + gap) + gap) as [number, number];
  if (width > largestSide || height > largestSide) {
    throw new CommandError(
      `expected a grid of at most ${largestSide} pixels a side, got ${width} x ${height}. Write a folder of images instead.`,
    );
  }
  const data = new Uint8Array(3 * width * height).fill(255);
  for (let i = 0; i < count; i++) {
    const left = gap + (i % columns) * (size + gap);
    const top = gap + Math.floor(i / columns) * (size + gap);
    const image = imageAt(images, i).data;
    for (let y = 0; y < size; y++) {
      data.set(image.subarray(3 * y * size, 3 * (y + 1) * size), 3 * ((top + y) * width + left));
    }
  }
  return encode({ width, height, data, channels: 3, depth: 8 });
}
