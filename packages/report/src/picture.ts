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
 * Outlines of patches as SVG path data: a rounded rectangle for each.
 * @param lengths Lengths of the patches in raster order. A patch lies within a row.
 * @param grid Tokens per row.
 * @param cell Width and height of a token in the path's units.
 */
export function patchOutlines(lengths: ArrayLike<number>, grid: number, cell: number): string {
  checkArguments('patchOutlines', { lengths, grid, cell }, { lengths: 'number[]', grid: 'number', cell: 'number' });
  const [inset, radius] = [cell / 20, cell / 6];
  let [path, token] = ['', 0];
  for (let patch = 0; patch < lengths.length; patch++) {
    const length = lengths[patch] as number;
    const [left, top] = [(token % grid) * cell + inset, Math.floor(token / grid) * cell + inset];
    const [across, down] = [length * cell - 2 * (inset + radius), cell - 2 * (inset + radius)];
    const corner = (x: number, y: number): string => `a${round(radius)} ${round(radius)} 0 0 1 ${round(x)} ${round(y)}`;
    path +=
      `M${round(left + radius)} ${round(top)}h${round(across)}${corner(radius, radius)}v${round(down)}` +
      `${corner(-radius, radius)}h${round(-across)}${corner(-radius, -radius)}v${round(-down)}${corner(radius, -radius)}z`;
    token += length;
  }
  return path;
}

const round = (value: number): number => Number(value.toFixed(3));

/** Units of a token in the SVG pictures of a page. */
const units = 20;

/** Embeds a square picture with the outlines of its patches in a page. See {@link patchOutlines}. */
export function patchedImage(picture: Picture, lengths: ArrayLike<number>, grid: number, description: string): Html {
  checkArguments(
    'patchedImage',
    { picture, lengths, grid, description },
    { picture: pictureKinds, lengths: 'number[]', grid: 'number', description: 'string' },
  );
  const side = grid * units;
  const path = patchOutlines(lengths, grid, units);
  return html`<svg class="picture" viewBox="0 0 ${side} ${side}" role="img" aria-label="${description}"><image width="${side}" height="${side}" href="${dataUri(toPng(picture))}"/>
<path class="halo" d="${path}"/><path d="${path}"/></svg>`;
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
  return html`<img src="${dataUri(png)}" width="${width}" height="${height}" alt="${description}">`;
}

const dataUri = (png: Uint8Array): string => `data:image/png;base64,${base64(png)}`;

/** Bytes encoded at a time: a multiple of 3, and few enough for the arguments of a function. */
const pieceBytes = 3 << 12;

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    text += btoa(String.fromCharCode(...bytes.subarray(start, start + pieceBytes)));
  }
  return text;
}
