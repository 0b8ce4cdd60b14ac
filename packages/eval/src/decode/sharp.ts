import { DparError } from '@dpar/tensor';
import type { Sharp } from 'sharp';
import { readGif } from './gif.js';
import { rgbOfCmyk, separate } from './samples.js';
import { type StoredPicture, turnUpright } from './stored-picture.js';
import { readOrientation, readTiffTag, tiffTags, validOrientation, withTiffTag } from './tiff-tags.js';

/** The package that decodes all but PNG is not installed: the file may well be whole. */
export class MissingSharpError extends DparError {}

/** Samples of a file. */
interface Samples {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/**
 * Decodes a file by sharp, whose decoders are those of the formats' own libraries. Harmless oddities that those libraries
 * warn of are let pass, as by Pillow; truncated data are not. Of several pictures or pages it is the first.
 *
 * @param name For error messages.
 * @throws MissingSharpError if sharp is not installed; sharp's error for a file that it does not read.
 */
export async function decodeBySharp(name: string, format: string, bytes: Uint8Array): Promise<StoredPicture> {
  const { default: sharp } = await import('sharp').catch((cause) => {
    throw new MissingSharpError(
      `decodeImage: expected the package 'sharp' to read '${name}' (${format}), got none. Install it (npm i sharp), or convert the images to PNG.`,
      { cause },
    );
  });
  const open = (file: Uint8Array) => sharp(file, { ignoreIcc: true, failOn: 'error' });
  if (format === 'GIF') return decodeGif(bytes, open);
  return format === 'TIFF' ? decodeTiff(bytes, open) : decodePixels(open(bytes), format !== 'AVIF');
}

/** @param byTags Whether the orientation is that of the EXIF and XMP data; else it is sharp's. */
async function decodePixels(image: Sharp, byTags = false): Promise<StoredPicture> {
  const { space, orientation, depth, exif, xmp } = await image.metadata();
  const turn = { orientation: byTags ? readOrientation(exif, xmp) : validOrientation(orientation) };
  if (space === 'cmyk') {
    const inks = image.pipelineColourspace('cmyk').toColourspace('cmyk');
    const isWide = depth === 'ushort';
    const { data, width, height, channels } = await samplesOf(inks, isWide ? 'ushort' : 'uchar');
    const samples = isWide ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
    return { width, height, data: rgbOfCmyk(samples, channels, (value) => (isWide ? value >> 8 : value)), ...turn };
  }
  const { data, width, height, channels } = await samplesOf(image.toColourspace('srgb'));
  return { width, height, ...separate(data, channels, (value) => value), ...turn };
}

/** Pillow turns TIFF files upright whether or not it is asked to. */
async function decodeTiff(bytes: Uint8Array, open: (file: Uint8Array) => Sharp): Promise<StoredPicture> {
  const orientation = readTiffTag(bytes, tiffTags.orientation) ?? 1;
  // libtiff refuses what Pillow ignores.
  const isValid = orientation === validOrientation(orientation);
  const picture = await decodePixels(open(isValid ? bytes : withTiffTag(bytes, tiffTags.orientation, 1)));
  // A fourth sample that the file does not call opacity is none.
  if (readTiffTag(bytes, tiffTags.extraSamples) !== 0) return turnUpright(picture);
  const { alpha: _, ...opaque } = picture;
  return turnUpright(opaque);
}

async function samplesOf(image: Sharp, depth: 'uchar' | 'ushort' = 'uchar'): Promise<Samples> {
  const { data, info } = await image.raw({ depth }).toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** The colours of a GIF file's first picture, those under transparency included, and what of it is opaque. */
async function decodeGif(bytes: Uint8Array, open: (file: Uint8Array) => Sharp): Promise<StoredPicture> {
  const gif = readGif(bytes);
  if (gif === undefined) throw new DparError('decodeGif: expected a picture in the GIF file, got none.');
  const { width, height, ...samples } = await samplesOf(open(gif.opaque).toColourspace('srgb'));
  const { data } = separate(samples.data, samples.channels, (value) => value);
  const alpha = gif.isTransparent ? await opacityOf(open(bytes)) : undefined;
  for (let y = 0, i = 0; gif.fill && y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const [column, row] = [x - gif.left, y - gif.top];
      if (column < 0 || column >= gif.width || row < 0 || row >= gif.height) data.set(gif.fill, 3 * i);
    }
  }
  return { width, height, data, ...(alpha && { alpha }), orientation: 1 };
}

async function opacityOf(image: Sharp): Promise<Uint8Array | undefined> {
  const { data, channels } = await samplesOf(image.toColourspace('srgb').ensureAlpha());
  return separate(data, channels, (value) => value).alpha;
}
