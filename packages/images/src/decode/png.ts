import { DparError } from '@dpar/tensor';
import { type DecodedPng, decode } from 'fast-png';
import { readPngText } from './png-text.js';
import { type Samples, separate } from './samples.js';
import type { StoredPicture } from './stored-picture.js';
import { readOrientation } from './tiff-tags.js';

/** Largest compression ratio of deflate. A header with more pixels is invalid. */
const largestRatio = 1032;

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** A parsed PNG file. */
export interface PngFile {
  readonly width: number;
  readonly height: number;
  /** Bits per sample. */
  readonly depth: number;
  readonly interlaced: boolean;
  /** True if the file has opacities, or a transparent colour. All pixels may still be opaque. */
  readonly hasAlpha: boolean;
  /** EXIF orientation, 1 to 8. */
  readonly orientation: number;
  /** The file without chunks that do not affect the pixels, such as text, and without data after its end. */
  readonly pixels: Uint8Array;
}

/** Chunks that affect the pixels. */
const pixelChunks = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];

/** Parses a PNG file. @throws DparError if it has no valid header, or more pixels than the file can hold. */
export function readPngFile(bytes: Uint8Array): PngFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isPng = bytes.length >= 33 && signature.every((byte, i) => bytes[i] === byte) && view.getUint32(8) === 13;
  const chunks = isPng ? chunksOf(view) : [];
  if (chunks.filter(({ name }) => name === 'IHDR').length !== 1) {
    throw new DparError('decodePng: expected a PNG file, got one without a valid header. The file is damaged.');
  }
  const [width, height, depth] = [view.getUint32(16), view.getUint32(20), view.getUint8(24)];
  const colorType = view.getUint8(25);
  const channels = [1, 0, 3, 1, 2, 0, 4][colorType] ?? 0;
  const size = height * Math.ceil((width * channels * depth) / 8);
  if (!(size > 0 && size <= largestRatio * bytes.length)) {
    throw new DparError(
      `decodePng: expected pixels that ${bytes.length} bytes can hold, got ${width} x ${height}. The file is damaged.`,
    );
  }
  const last = chunks.at(-1);
  if (last?.name !== 'IEND' || last.end > bytes.length) {
    throw new DparError(`decodePng: expected a whole file, got its first ${bytes.length} bytes. The file is damaged.`);
  }
  const exif = chunks.find(({ name }) => name === 'eXIf');
  const dataOf = ({ start, end }: { start: number; end: number }) => bytes.subarray(start + 8, end - 4);
  const text = readPngText(chunks.map((chunk) => ({ name: chunk.name, data: dataOf(chunk) })));
  const kept = chunks.filter(({ name }) => pixelChunks.includes(name));
  return {
    width,
    height,
    depth,
    interlaced: view.getUint8(28) !== 0,
    hasAlpha: colorType >= 4 || kept.some(({ name }) => name === 'tRNS'),
    orientation: readOrientation(exif ? dataOf(exif) : text.exif, text.xmp),
    pixels: Buffer.concat([bytes.subarray(0, 8), ...kept.map(({ start, end }) => bytes.subarray(start, end))]),
  };
}

/** Chunks up to the end of the file. The last one may be truncated. */
function chunksOf(view: DataView): { readonly name: string; readonly start: number; readonly end: number }[] {
  const chunks = [];
  for (let start = 8; start + 8 <= view.byteLength; ) {
    const name = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(start + i)));
    const end = start + 12 + view.getUint32(start);
    chunks.push({ name, start, end });
    if (name === 'IEND') break;
    start = end;
  }
  return chunks;
}

/**
 * Decodes a PNG file as Pillow's `convert('RGB')` does, which made the usual reference figures. Grey is repeated, palettes are
 * looked up, 16-bit samples keep their upper byte, and fewer bits are scaled to 0..255. There is no colour management. Of an
 * animation it decodes the first picture.
 *
 * @throws DparError or an error of the decoder if the file is damaged.
 */
export function decodePng({ width, height, depth, orientation, pixels }: PngFile): StoredPicture {
  const png = decode(pixels, { checkCrc: true });
  const samples = depth < 8 ? unpackBits(png) : png.data;
  if (png.palette !== undefined && png.channels === 1) {
    return { width, height, orientation, ...lookUp(samples, png.palette) };
  }
  const { data, alpha } = separate(to8Bits(samples, depth), png.channels);
  return {
    width,
    height,
    orientation,
    data,
    alpha: png.transparency ? colorKeyed(samples, png.transparency) : alpha,
  };
}

/** Brings samples of 1 to 16 bits to bytes: few bits are spread over 0 to 255, and 16 bits lose their lower half. */
function to8Bits(samples: Uint8Array | Uint8ClampedArray | Uint16Array, depth: number): Uint8Array {
  if (depth === 16) return Uint8Array.from(samples, (value) => value >> 8);
  if (depth < 8) return Uint8Array.from(samples, (value) => (255 / (2 ** depth - 1)) * value);
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.length);
}

/** Opacity of pixels if one colour is transparent. */
function colorKeyed(samples: ArrayLike<number>, key: ArrayLike<number>): Uint8Array {
  const channels = key.length;
  const alpha = new Uint8Array(samples.length / channels).fill(255);
  for (let i = 0; i < alpha.length; i++) {
    let channel = 0;
    while (channel < channels && samples[i * channels + channel] === key[channel]) channel++;
    if (channel === channels) alpha[i] = 0;
  }
  return alpha;
}

/** Unpacks samples of 1, 2 or 4 bits. Rows begin at whole bytes. */
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

/** Looks up colours of a palette, which have three values or, with opacity, four. */
function lookUp(indices: ArrayLike<number>, palette: readonly (readonly number[])[]): Samples {
  const data = new Uint8Array(3 * indices.length);
  const alpha = palette[0]?.length === 4 ? new Uint8Array(indices.length) : undefined;
  for (let i = 0; i < indices.length; i++) {
    const color = palette[indices[i] as number];
    if (color === undefined) {
      throw new DparError(
        `decodePng: expected one of ${palette.length} colours, got colour number ${indices[i]}. The file is damaged.`,
      );
    }
    for (let c = 0; c < 3; c++) data[3 * i + c] = color[c] as number;
    if (alpha) alpha[i] = color[3] as number;
  }
  return { data, alpha };
}
