import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import {
  checkBackground,
  type ImageInspection,
  type ImageReading,
  imageReadingKinds,
  type RgbImage,
} from '../image-set.js';
import { describeOther, imageFormatOf } from './image-format.js';
import { decodePng, readPngFile } from './png.js';
import { decodeBySharp, MissingSharpError } from './sharp.js';
import { isTransparent, rgbOf, type StoredPicture } from './stored-picture.js';

/** Error for an image that cannot be read because of its file. */
export class DamagedImageError extends DparError {
  /** @param damage Description of the file. */
  constructor(
    readonly damage: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Decodes an image file to 8-bit RGB as Pillow's `convert('RGB')` does, without colour management, and turns it
 * upright. The format is recognised by the first bytes. PNG needs no other package. JPEG, WebP, AVIF, GIF (first
 * picture) and TIFF (first page) need the optional peer `sharp`, which installs without a build.
 *
 * @param name File name, for error messages.
 * @throws DparError that names the file if it is damaged or its format is not supported, or `sharp` is missing.
 */
export async function decodeImage(name: string, bytes: Uint8Array, reading: ImageReading = {}): Promise<RgbImage> {
  checkArguments(
    'decodeImage',
    { name, bytes, reading },
    { name: 'string', bytes: 'Uint8Array', 'reading?': imageReadingKinds },
  );
  checkBackground('decodeImage', reading);
  return rgbOf(await decodePicture(name, bytes), reading);
}

/** Inspects an image file, which may be damaged. @throws DparError if `sharp` is missing. */
export async function inspectImage(name: string, bytes: Uint8Array): Promise<ImageInspection> {
  try {
    const picture = await decodePicture(name, bytes);
    const isTurned = picture.orientation !== 1;
    return { name, damage: undefined, isTurned, isTransparent: isTransparent(picture) };
  } catch (error) {
    if (!(error instanceof DamagedImageError)) throw error;
    return { name, damage: error.damage, isTurned: false, isTransparent: false };
  }
}

/** Decodes an image file as stored. @throws DamagedImageError that names the file; MissingSharpError. */
export function decodePicture(name: string, bytes: Uint8Array): Promise<StoredPicture> {
  return readImage(name, bytes, async (format) => {
    if (format !== 'PNG') return decodeBySharp(name, format, bytes);
    const file = readPngFile(bytes);
    // fast-png does not read interlaced files with fewer bits.
    if (file.depth >= 8 || !file.interlaced) return decodePng(file);
    return { ...(await decodeBySharp(name, format, bytes)), orientation: file.orientation };
  });
}

/**
 * Reads an image file of any format.
 * @param read Reads a file of the given format.
 * @throws DamagedImageError that names the file, if it has no supported format or `read` fails; MissingSharpError.
 */
export async function readImage<V>(name: string, bytes: Uint8Array, read: (format: string) => Promise<V>): Promise<V> {
  const format = imageFormatOf(bytes);
  if (format === undefined) {
    const { what, remedy } = describeOther(name, bytes);
    throw new DamagedImageError(what, `decodeImage: expected an image in '${name}', got ${what}. ${remedy}`);
  }
  try {
    // sharp would render an SVG at a size of its choice.
    if (format.name === 'SVG') throw new DparError(`decodeImage: expected pixels, got a drawing. ${format.remedy}`);
    return await read(format.name);
  } catch (cause) {
    if (format.remedy !== undefined) {
      const message = `decodeImage: expected PNG, JPEG, WebP, AVIF, GIF or TIFF, got ${format.name} in '${name}'. ${format.remedy}`;
      const damage = `${format.name}, which is not supported: ${lowerFirst(format.remedy)}`;
      throw new DamagedImageError(damage, message, { cause });
    }
    if (cause instanceof MissingSharpError) throw cause;
    const reason = reasonOf(cause);
    // Libraries do not support some kinds of TIFF.
    const isUnsupported = /not configured|bad labq format/.test(reason);
    const what = isUnsupported
      ? `a ${format.name} file of a kind that is not supported (${reason})`
      : `a damaged file (${reason})`;
    const remedy = isUnsupported ? 'Convert it to PNG.' : 'Make it again.';
    throw new DamagedImageError(what, `decodeImage: expected an image in '${name}', got ${what}. ${remedy}`, { cause });
  }
}

/** Message of an error in one line, without the repetitions of decoders. */
function reasonOf(cause: unknown): string {
  const lines = (cause instanceof Error ? cause.message : String(cause)).split('\n').map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== ''))].join(' ').replaceAll(/\s+/g, ' ').replace(/\.$/, '');
}

/** Sentence to put inside another one. */
function lowerFirst(sentence: string): string {
  return `${sentence[0]?.toLowerCase()}${sentence.slice(1, -1)}`;
}
