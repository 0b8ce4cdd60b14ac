import { extname } from 'node:path';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import type { RgbImage } from '../image-set.js';
import { decodePng, readPngHeader, toRgb } from './decode-png.js';

/** Files that are images by their names, and read. */
const readable = new Set(['.png', '.jpg', '.jpeg', '.jfif', '.webp', '.avif', '.gif', '.tif', '.tiff']);

/** Files that are images by their names, and not read. */
const unreadable = new Set(['.bmp', '.ppm', '.pgm', '.heic', '.heif', '.jp2', '.jxl', '.exr', '.hdr', '.tga', '.svg']);

/** Whether a file is an image by its name, whether or not its format can be read. */
export function isImageName(name: string): boolean {
  const extension = extname(name).toLowerCase();
  return readable.has(extension) || unreadable.has(extension);
}

/**
 * Decodes an image file to 8-bit RGB: alpha is dropped, colours and orientation stay as stored.
 * PNG needs no other package; JPEG, WebP, AVIF, GIF (first picture) and TIFF (first page) are decoded by `sharp`, an optional
 * peer: its decoders are those of the formats' own libraries (libjpeg, libwebp ...), and it installs without a build.
 *
 * @param name The file, for its format and for error messages.
 * @throws DparError that names the file if it is damaged, of a format that is not read, or `sharp` is missing.
 */
export async function decodeImage(name: string, bytes: Uint8Array): Promise<RgbImage> {
  checkArguments('decodeImage', { name, bytes }, { name: 'string', bytes: 'Uint8Array' });

  const extension = extname(name).toLowerCase();
  if (!readable.has(extension)) {
    throw new DparError(
      `decodeImage: expected an image of ${[...readable].join(', ')}, got '${name}'. Convert it to PNG.`,
    );
  }
  try {
    if (extension !== '.png') return await decodeBySharp(name, bytes);
    const { depth, interlaced } = readPngHeader(bytes);
    // fast-png does not read these.
    return depth < 8 && interlaced ? await decodeBySharp(name, bytes) : decodePng(bytes);
  } catch (error) {
    if (error instanceof MissingSharpError) throw error;
    const reason = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
    throw new DparError(`decodeImage: expected an image in '${name}', got a damaged file (${reason}). Make it again.`, {
      cause: error,
    });
  }
}

class MissingSharpError extends DparError {}

async function decodeBySharp(name: string, bytes: Uint8Array): Promise<RgbImage> {
  const { default: sharp } = await import('sharp').catch((cause) => {
    throw new MissingSharpError(
      `decodeImage: expected the package 'sharp' to read '${name}', got none. Install it (npm i sharp), or convert the images to PNG.`,
      { cause },
    );
  });
  const image = sharp(bytes, { ignoreIcc: true, failOn: 'warning' });
  const { data, info } = await image.toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: toRgb(data, info.channels, (value) => value) };
}
