import type { GridPicture } from '@dpar/pipeline';
import type { Label } from '@dpar/sampler';
import { encode } from 'fast-png';
import { labelKey } from '../sample/classes.js';
import { drawSvg, type TextPen, textPen } from './text.js';

/** A class or prompt with its name. */
export interface GridClass {
  /** Number of the class, or those of the words: `4`, `3+17`. */
  readonly key: string;
  readonly name: string;
}

/** Names over the columns or before the rows of a grid, in order. */
export interface GridLabels {
  readonly side: 'columns' | 'rows';
  readonly classes: readonly GridClass[];
}

/**
 * Finds the names that label a grid: those of its columns if each has one class, or else those of its rows.
 * @param labels Class or prompt of each image, row by row.
 * @param names Names of the classes, in order.
 * @returns `undefined` if neither columns nor rows have one label each, or if a class has no name
 */
export function gridLabels(
  labels: ArrayLike<Label>,
  columns: number,
  names: readonly string[] | undefined,
): GridLabels | undefined {
  if (names === undefined) return undefined;
  const all = Array.from(labels, labelKey);
  const textOf = (key: string): string => {
    const words = key.split('+').map((number) => names[Number(number)] ?? '');
    return words.includes('') ? '' : words.join(' ');
  };
  const rows = Math.ceil(all.length / columns);
  const classesOf = (line: (image: number) => number, count: number): GridClass[] | undefined => {
    const keys = Array.from({ length: count }, (_, i) => all.find((_, image) => line(image) === i) as string);
    if (all.some((key, image) => key !== keys[line(image)])) return undefined;
    const classes = keys.map((key) => ({ key, name: textOf(key) }));
    return classes.some(({ name }) => name === '') ? undefined : classes;
  };
  const byColumn = classesOf((image) => image % columns, Math.min(columns, all.length));
  if (byColumn !== undefined) return { side: 'columns', classes: byColumn };
  const byRow = classesOf((image) => Math.floor(image / columns), rows);
  return byRow && { side: 'rows', classes: byRow };
}

/** Space around a label in pixels. */
const margin = 3;

/** Most lines of a label over a column. */
const mostLines = 3;

/** Largest length of a label in pixels, in multiples of the font's size. Longer ones end with an ellipsis. */
const mostLength = 16;

/**
 * A PNG file of a grid with names of classes over its columns or before its rows. The grid's pixels stay as they are. Names that
 * do not fit over a column are turned by 90 degrees. A name with characters that the font lacks (such as Chinese ones) becomes the
 * class's number.
 */
export async function labelledGrid(picture: GridPicture, labels: GridLabels): Promise<Uint8Array> {
  const fontSize = Math.min(20, Math.max(11, Math.round(picture.size / 6)));
  const pen = await textPen(fontSize);
  const texts = labels.classes.map(({ name, key }) => (pen.has(name) ? name : `#${key}`));
  const places: Places = { picture, pen, fontSize, pitch: (picture.width - gapOf(picture)) / picture.columns };
  const band = labels.side === 'rows' ? rowBand(texts, places) : columnBand(texts, places);
  const text = await drawSvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${band.width}" height="${band.height}">` +
      `<rect width="${band.width}" height="${band.height}" fill="#fff"/><g fill="#222">${band.outlines}</g></svg>`,
  );
  return encode({ ...joined(picture, { ...band, data: text }, labels.side), channels: 3, depth: 8 });
}

/** Pixels between the images of a grid. */
function gapOf({ width, columns, size }: GridPicture): number {
  return (width - columns * size) / (columns + 1);
}

/** Grid, pen and distances that labels are placed by. */
interface Places {
  readonly picture: GridPicture;
  readonly pen: TextPen;
  /** In pixels. */
  readonly fontSize: number;
  /** From an image to the next, in pixels. */
  readonly pitch: number;
}

/** Strip of labels beside a grid, with the outlines of its text in SVG. */
interface Band {
  readonly width: number;
  readonly height: number;
  readonly outlines: string;
}

/** Outlines of a text at a place. @param turn Degrees, clockwise. */
const placed = (path: string, x: number, y: number, turn = 0): string =>
  `<path d="${path}" transform="translate(${x} ${y}) rotate(${turn})"/>`;

/** Height of a capital above the base line, and that of a line, in multiples of the font's size. */
const [capital, lineHeight] = [0.72, 1.2];

function rowBand(texts: readonly string[], { picture, pen, fontSize, pitch }: Places): Band {
  const shown = texts.map((text) => shortened(text, mostLength * fontSize, pen));
  const width = Math.ceil(Math.max(...shown.map(pen.width))) + 2 * margin;
  const lines = shown.map((text, row) => {
    const middle = gapOf(picture) + row * pitch + picture.size / 2;
    return placed(pen.path(text), width - margin - pen.width(text), middle + (capital * fontSize) / 2);
  });
  return { width, height: picture.height, outlines: lines.join('') };
}

function columnBand(texts: readonly string[], places: Places): Band {
  const { picture, pen, fontSize, pitch } = places;
  const wrapped = texts.map((text) => linesOf(text, pitch - margin, pen));
  const { width } = picture;
  const middle = (column: number): number => gapOf(picture) + column * pitch + picture.size / 2;
  if (wrapped.every((lines) => lines !== undefined)) {
    const step = lineHeight * fontSize;
    const most = Math.max(...wrapped.map((lines) => lines.length));
    const height = Math.ceil(most * step) + 2 * margin;
    const outlines = wrapped.flatMap((lines, column) =>
      lines.map((line, i) => {
        const baseLine = height - margin - 0.25 * fontSize - (lines.length - 1 - i) * step;
        return placed(pen.path(line), middle(column) - pen.width(line) / 2, baseLine);
      }),
    );
    return { width, height, outlines: outlines.join('') };
  }
  const shown = texts.map((text) => shortened(text, mostLength * fontSize, pen));
  const height = Math.ceil(Math.max(...shown.map(pen.width))) + 2 * margin;
  const outlines = shown.map((text, column) =>
    placed(pen.path(text), middle(column) + (capital * fontSize) / 2, height - margin, -90),
  );
  return { width, height, outlines: outlines.join('') };
}

/** Lines of a text between words; undefined if a word is too long, or for too many lines. */
function linesOf(text: string, width: number, pen: TextPen): string[] | undefined {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && pen.width(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.length <= mostLines && lines.every((line) => pen.width(line) <= width) ? lines : undefined;
}

/** The text, or its beginning with an ellipsis. */
function shortened(text: string, width: number, pen: TextPen): string {
  if (pen.width(text) <= width) return text;
  const characters = [...text];
  while (characters.length > 1 && pen.width(`${characters.join('')}…`) > width) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

/** A grid and its labels in one picture: labels above columns, or left of rows. */
function joined(
  picture: GridPicture,
  band: { readonly width: number; readonly height: number; readonly data: Uint8Array },
  side: GridLabels['side'],
) {
  const [left, top] = side === 'rows' ? [band.width, 0] : [0, band.height];
  const [width, height] = [left + picture.width, top + picture.height];
  const data = new Uint8Array(3 * width * height).fill(255);
  for (let i = 0; i < band.width * band.height; i++) {
    const at = 3 * (Math.floor(i / band.width) * width + (i % band.width));
    data.set(band.data.subarray(4 * i, 4 * i + 3), at);
  }
  const bytes = 3 * picture.width;
  for (let y = 0; y < picture.height; y++) {
    data.set(picture.data.subarray(y * bytes, (y + 1) * bytes), 3 * ((top + y) * width + left));
  }
  return { width, height, data };
}
