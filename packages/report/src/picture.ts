import { type KindsOf, listOf } from '@dpar/check';
import { interpolateInferno } from 'd3-scale-chromatic';
import { encode } from 'fast-png';
import { checkArguments } from './check-arguments.js';
import { ReportError } from './error.js';
import { type Html, html } from './html.js';

/** A picture in memory, in red, green, blue and opacity. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Bytes [height, width, 4]. */
  readonly data: Uint8Array;
}

const pictureKinds: KindsOf<Picture> = { width: 'number', height: 'number', data: 'Uint8Array', '*': 'any' };

/** An empty (transparent) picture. */
function blank(width: number, height: number): Picture {
  return { width, height, data: new Uint8Array(4 * width * height) };
}

/**
 * Makes a square picture from RGB bytes [S, S, 3]. Each pixel is repeated `factor` times in both directions.
 *
 * @throws ReportError if the bytes do not fill a square.
 */
export function pictureOf(pixels: Uint8Array, factor = 1): Picture {
  checkArguments('pictureOf', { pixels, factor }, { pixels: 'Uint8Array', 'factor?': 'number' });
  const size = Math.sqrt(pixels.length / 3);
  if (!Number.isInteger(size)) {
    throw new ReportError(`pictureOf: expected bytes [S, S, 3], got ${pixels.length}. Pass one square picture in RGB.`);
  }
  const picture = blank(size * factor, size * factor);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      const from = 3 * (Math.floor(y / factor) * size + Math.floor(x / factor));
      const to = 4 * (y * picture.width + x);
      picture.data.set(pixels.subarray(from, from + 3), to);
      picture.data[to + 3] = 255;
    }
  }
  return picture;
}

/** Arranges pictures of equal size in rows of `columns`, with transparent gaps. */
export function montage(pictures: readonly Picture[], columns: number, gap = 4): Picture {
  checkArguments(
    'montage',
    { pictures, columns, gap },
    { pictures: listOf(pictureKinds), columns: 'number', 'gap?': 'number' },
  );
  const { width = 1, height = 1 } = pictures[0] ?? {};
  const rows = Math.ceil(pictures.length / columns);
  const whole = blank(columns * (width + gap) - gap, rows * (height + gap) - gap);
  pictures.forEach((picture, i) => {
    const left = (i % columns) * (width + gap);
    const top = Math.floor(i / columns) * (height + gap);
    for (let y = 0; y < height; y++) {
      const row = picture.data.subarray(4 * y * width, 4 * (y + 1) * width);
      whole.data.set(row, 4 * ((top + y) * whole.width + left));
    }
  });
  return whole;
}

/** Red, green and blue of a value from 0 (black) to 1 (yellow). */
export function heatColour(value: number): [number, number, number] {
  checkArguments('heatColour', { value }, { value: 'number | NaN' });
  const hex = Number.parseInt(interpolateInferno(Math.min(1, Math.max(0, value))).slice(1), 16);
  return [hex >> 16, (hex >> 8) & 255, hex & 255];
}

/**
 * Draws a grid of values as colours.
 * @param values Values [grid^2] in raster order. Undefined is grey.
 * @param maximum Value of the brightest colour.
 * @param cell Width and height of a cell in pixels.
 * @throws ReportError if the number of values is not a square.
 */
export function heatMap(values: readonly (number | undefined)[], maximum: number, cell: number): Picture {
  checkArguments(
    'heatMap',
    { values, maximum, cell },
    { values: listOf('number | NaN | undefined'), maximum: 'number', cell: 'number' },
  );
  if (!Number.isInteger(Math.sqrt(values.length))) {
    throw new ReportError(
      `heatMap: expected a square number of values, got ${values.length}. Pass the values of a square grid.`,
    );
  }
  const colours = values.flatMap((value) => (value === undefined ? [128, 128, 128] : heatColour(value / maximum)));
  return pictureOf(Uint8Array.from(colours), cell);
}

/**
 * Draws the borders of patches over a picture of their image.
 * @param lengths Lengths of the patches in raster order. A patch lies within a row.
 * @param grid Tokens per row.
 */
export function withPatches(picture: Picture, lengths: ArrayLike<number>, grid: number): Picture {
  checkArguments(
    'withPatches',
    { picture, lengths, grid },
    { picture: pictureKinds, lengths: 'number[]', grid: 'number' },
  );
  const { width, height } = picture;
  const data = picture.data.slice();
  const cell = width / grid;
  const draw = (x: number, y: number): void => data.set([219, 39, 119, 255], 4 * (y * width + x));
  let token = 0;
  for (let patch = 0; patch < lengths.length; patch++) {
    const left = (token % grid) * cell;
    const top = Math.floor(token / grid) * cell;
    token += lengths[patch] as number;
    for (let y = top; y < top + cell; y++) draw(left, y);
    for (let x = left; x < left + cell * (lengths[patch] as number); x++) draw(x, top);
  }
  for (let i = 0; i < width; i++) draw(i, height - 1);
  for (let i = 0; i < height; i++) draw(width - 1, i);
  return { width, height, data };
}

/** Encodes a picture as a PNG file. */
export function toPng(picture: Picture): Uint8Array {
  checkArguments('toPng', { picture }, { picture: pictureKinds });
  const { width, height, data } = picture;
  return encode({ width, height, data, channels: 4, depth: 8 }, { zlib: { level: 9 } });
}

/** Embeds a picture in a page. */
export function image(picture: Picture, description: string): Html {
  checkArguments('image', { picture, description }, { picture: pictureKinds, description: 'string' });
  return imageOfPng(toPng(picture), description);
}

/** Embeds a PNG file in a page. */
export function imageOfPng(png: Uint8Array, description: string): Html {
  checkArguments('imageOfPng', { png, description }, { png: 'Uint8Array', description: 'string' });
  // The file begins with a signature (8 bytes), length and name of the first chunk, width and height.
  const header = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const [width, height] = [header.getUint32(16), header.getUint32(20)];
  return html`<img src="data:image/png;base64,${base64(png)}" width="${width}" height="${height}" alt="${description}">`;
}

/** Bytes encoded at a time: a multiple of 3, and few enough for the arguments of a function. */
const pieceBytes = 3 << 12;

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    text += btoa(String.fromCharCode(...bytes.subarray(start, start + pieceBytes)));
  }
  return text;
}
