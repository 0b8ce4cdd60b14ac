import { DparError } from '@dpar/tensor';
import type { Sharp } from 'sharp';
import { readGif } from './gif.js';
import { rgbOfCmyk, separate } from './samples.js';
import { type StoredPicture, turnUpright } from './stored-picture.js';
import { readOrientation, readTiffTag, tiffTags, validOrientation, withTiffTag } from './tiff-tags.js';

/** Error for the missing package `sharp`, which decodes all formats but PNG. The file may be valid. */
export class MissingSharpError extends DparError {}

/**
 * Decodes a file with sharp, which uses the formats' own libraries. Warnings of these libraries are ignored, as Pillow does, but
 * truncated data are refused. Of several pictures or pages it decodes the first.
 *
 * @param name File name, for error messages.
 * @throws MissingSharpError if sharp is not installed; sharp's error for a file that it cannot read.
 */
export async function decodeBySharp(name: string, format: string, bytes: Uint8Array): Promise<StoredPicture> {
  const open = await opener(name, format);
  if (format === 'GIF') return decodeGif(bytes, open);
  return format === 'TIFF' ? decodeTiff(bytes, open) : decodePixels(open(bytes), format !== 'AVIF');
}

/** Size of an image as stored, and what its header says of it. */
export interface ImageHeader {
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1 to 8. */
  readonly orientation: number;
  /** True if the file has opacities. All pixels may still be opaque. */
  readonly hasAlpha: boolean;
}

/** Reads the header of a JPEG, WebP or GIF file. @throws MissingSharpError; sharp's error for a file that it cannot read. */
export async function readHeaderBySharp(name: string, format: string, bytes: Uint8Array): Promise<ImageHeader> {
  const open = await opener(name, format);
  const { width, height, hasAlpha, exif, xmp } = await open(bytes).metadata();
  return { width, height, orientation: readOrientation(exif, xmp), hasAlpha };
}

/** @throws MissingSharpError if sharp is not installed. */
async function opener(name: string, format: string): Promise<(file: Uint8Array) => Sharp> {
  const { default: sharp } = await import('sharp').catch((cause) => {
    throw new MissingSharpError(
      `decodeImage: expected the package 'sharp' to read '${name}' (${format}), got none. Install it (npm i sharp), or convert the images to PNG.`,
      { cause },
    );
  });
  return (file) => sharp(file, { ignoreIcc: true, failOn: 'error' });
}

/** @param byTags True: the orientation is read from the EXIF and XMP data. False: it is sharp's. */
async function decodePixels(image: Sharp, byTags = false): Promise<StoredPicture> {
  const { space, orientation, depth, exif, xmp } = await image.metadata();
  const turn = byTags ? readOrientation(exif, xmp) : validOrientation(orientation);
  if (space === 'cmyk') {
    const inks = image.pipelineColourspace('cmyk').toColourspace('cmyk');
    const isWide = depth === 'ushort';
    const { data, width, height, channels } = await samplesOf(inks, isWide ? 'ushort' : 'uchar');
    const samples = isWide ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
    const rgb = rgbOfCmyk(samples, channels, (value) => (isWide ? value >> 8 : value));
    return { width, height, orientation: turn, data: rgb, alpha: undefined };
  }
  const { data, width, height, channels } = await samplesOf(image.toColourspace('srgb'));
  return { width, height, orientation: turn, ...separate(data, channels) };
}

/** Decodes a TIFF file, always upright, as Pillow does. */
async function decodeTiff(bytes: Uint8Array, open: (file: Uint8Array) => Sharp): Promise<StoredPicture> {
  const orientation = readTiffTag(bytes, tiffTags.orientation) ?? 1;
  // libtiff refuses invalid orientations, which Pillow ignores.
  const isValid = orientation === validOrientation(orientation);
  const picture = await decodePixels(open(isValid ? bytes : withTiffTag(bytes, tiffTags.orientation, 1)));
  // A fourth sample is only opacity if the file says so.
  const hasOpacity = readTiffTag(bytes, tiffTags.extraSamples) !== 0;
  return turnUpright(hasOpacity ? picture : { ...picture, alpha: undefined });
}

/** Interleaved samples of a file. */
async function samplesOf(image: Sharp, depth: 'uchar' | 'ushort' = 'uchar') {
  const { data, info } = await image.raw({ depth }).toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** Decodes the colours of a GIF file's first picture, also those of transparent pixels, and its opacity. */
async function decodeGif(bytes: Uint8Array, open: (file: Uint8Array) => Sharp): Promise<StoredPicture> {
  const gif = readGif(bytes);
  if (gif === undefined) {
    throw new DparError('decodeGif: expected a picture in the GIF file, got none. The file is damaged.');
  }
  const { width, height, ...samples } = await samplesOf(open(gif.opaque).toColourspace('srgb'));
  const { data } = separate(samples.data, samples.channels);
  const alpha = gif.isTransparent ? await opacityOf(open(bytes)) : undefined;
  for (let y = 0, i = 0; gif.fill && y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const [column, row] = [x - gif.left, y - gif.top];
      if (column < 0 || column >= gif.width || row < 0 || row >= gif.height) data.set(gif.fill, 3 * i);
    }
  }
  return { width, height, orientation: 1, data, alpha };
}

async function opacityOf(image: Sharp): Promise<Uint8Array | undefined> {
  const { data, channels } = await samplesOf(image.toColourspace('srgb').ensureAlpha());
  return separate(data, channels).alpha;
}
