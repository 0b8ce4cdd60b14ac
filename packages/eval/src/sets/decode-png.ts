import { DparError } from '@dpar/tensor';
import { type DecodedPng, decode } from 'fast-png';
import type { RgbImage } from '../image-set.js';

/** The most bytes that deflate makes of one. A header of more pixels is lying. */
const largestRatio = 1032;

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** What the first chunk of a PNG file says. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  readonly interlaced: boolean;
}

/** Reads the header of a PNG file. @throws DparError if there is no valid one, or more than the file can hold. */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isPng = bytes.length >= 33 && signature.every((byte, i) => bytes[i] === byte) && view.getUint32(8) === 13;
  if (!isPng || chunkNames(view).filter((name) => name === 'IHDR').length !== 1) {
    throw new DparError('decodePng: expected a PNG file, got other bytes. The file is damaged.');
  }
  const [width, height, depth] = [view.getUint32(16), view.getUint32(20), view.getUint8(24)];
  const channels = [1, 0, 3, 1, 2, 0, 4][view.getUint8(25)] ?? 0;
  const size = height * Math.ceil((width * channels * depth) / 8);
  if (!(size > 0 && size <= largestRatio * bytes.length)) {
    throw new DparError(
      `decodePng: expected pixels that ${bytes.length} bytes can hold, got ${width} x ${height}. The file is damaged.`,
    );
  }
  return { width, height, depth, interlaced: view.getUint8(28) !== 0 };
}

/** Names of all chunks that begin in the file. */
function chunkNames(view: DataView): string[] {
  const names: string[] = [];
  for (let at = 8; at + 8 <= view.byteLength; at += 12 + view.getUint32(at)) {
    names.push(String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i))));
  }
  return names;
}

/**
 * Decodes a PNG file to 8-bit RGB. Grey is repeated, palettes are looked up, of 16-bit samples the upper byte is kept, fewer
 * bits are spread over 0 to 255. Alpha is dropped and colours stay as they are stored, without colour management: as
 * Pillow's `convert('RGB')`, with which the usual reference figures were made. Of an animation it is the first picture.
 *
 * @throws DparError or another error that says what is wrong if the file is damaged.
 */
export function decodePng(bytes: Uint8Array): RgbImage {
  const { width, height, depth } = readPngHeader(bytes);
  const png = decode(bytes, { checkCrc: true });
  const samples = depth < 8 ? unpackBits(png) : png.data;
  if (png.palette !== undefined && png.channels === 1) {
    return { width, height, data: lookUp(samples, png.palette) };
  }
  const scale = depth < 8 ? 255 / (2 ** depth - 1) : 1;
  const shift = depth === 16 ? 8 : 0;
  return { width, height, data: toRgb(samples, png.channels, (value) => (value * scale) >> shift) };
}

/** Pixels of 1 to 4 channels as red, green and blue; a second or fourth channel is alpha. */
export function toRgb(samples: ArrayLike<number>, channels: number, to8Bits: (value: number) => number): Uint8Array {
  const pixels = samples.length / channels;
  const data = new Uint8Array(3 * pixels);
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  for (let i = 0; i < pixels; i++) {
    const at = i * channels;
    data[3 * i] = to8Bits(samples[at] as number);
    data[3 * i + 1] = to8Bits(samples[at + green] as number);
    data[3 * i + 2] = to8Bits(samples[at + blue] as number);
  }
  return data;
}

/** Samples of 1, 2 or 4 bits, of rows that begin at whole bytes. */
function unpackBits({ data, width, height, depth }: DecodedPng): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  const samples = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * rowBytes + (bit >> 3)] as number;
      samples[y * width + x] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return samples;
}

function lookUp(indices: ArrayLike<number>, palette: readonly (readonly number[])[]): Uint8Array {
  const data = new Uint8Array(3 * indices.length);
  for (let i = 0; i < indices.length; i++) {
    const color = palette[indices[i] as number];
    if (color === undefined) {
      throw new DparError(
        `decodePng: expected one of ${palette.length} colours, got number ${indices[i]}. The file is damaged.`,
      );
    }
    for (let c = 0; c < 3; c++) data[3 * i + c] = color[c] as number;
  }
  return data;
}
