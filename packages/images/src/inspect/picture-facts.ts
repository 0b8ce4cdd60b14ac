import { DamagedImageError, decodePicture, readImage } from '../decode/decode-image.js';
import { readPngFile } from '../decode/png.js';
import { type ImageHeader, readHeaderBySharp } from '../decode/sharp.js';
import { isTransparent } from '../decode/stored-picture.js';

/** Facts of a readable picture. */
export interface PictureFacts {
  readonly format: string;
  /** Size in pixels, upright. */
  readonly width: number;
  readonly height: number;
  /** True if the file's EXIF orientation turns or mirrors the stored pixels. */
  readonly isTurned: boolean;
  /** True if a pixel is not opaque. */
  readonly isTransparent: boolean;
}

/**
 * Inspects an image file. The header is enough for most; pixels are decoded where opacity or a missing end of the file calls for
 * it, and for formats whose end is not marked.
 * @param pixels True: decodes all pixels, which finds damage in the middle of a file.
 * @throws DamagedImageError for a file that cannot be read; MissingSharpError.
 */
export async function pictureFacts(name: string, bytes: Uint8Array, pixels: boolean): Promise<PictureFacts> {
  const { format, header } = await readImage(name, bytes, async (format) => ({
    format,
    header: pixels ? undefined : await readHeader(name, format, bytes),
  }));
  if (header !== undefined && !header.hasAlpha) return { format, ...uprightSize(header), isTransparent: false };
  const picture = await decodePicture(name, bytes);
  return { format, ...uprightSize(picture), isTransparent: isTransparent(picture) };
}

function uprightSize({ width, height, orientation }: Pick<ImageHeader, 'width' | 'height' | 'orientation'>) {
  const isTurned = orientation !== 1;
  return orientation >= 5 ? { width: height, height: width, isTurned } : { width, height, isTurned };
}

/** Reads the header of a whole file. Undefined for a file whose end is missing or not marked. */
async function readHeader(name: string, format: string, bytes: Uint8Array): Promise<ImageHeader | undefined> {
  // It refuses files without their end.
  if (format === 'PNG') return readPngFile(bytes);
  return hasEnd(format, bytes) ? readHeaderBySharp(name, format, bytes) : undefined;
}

function hasEnd(format: string, bytes: Uint8Array): boolean {
  if (format === 'JPEG') return hasJpegEnd(bytes);
  if (format === 'GIF') return bytes.findLast((byte) => byte !== 0) === 0x3b;
  // The RIFF header has the size of what follows it.
  if (format === 'WebP') return new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true) + 8 <= bytes.length;
  return false;
}

/** Bytes at the end of a JPEG file among which its last marker is looked for. Some programs append data of their own. */
const endBytes = 1 << 16;

/** Looks for the marker of the end behind the first pixels. A thumbnail in the header has such a marker too. */
function hasJpegEnd(bytes: Uint8Array): boolean {
  let at = 2;
  while (bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    // Markers may follow any number of bytes 255.
    if (bytes[at + 1] === 0xff) at++;
    else at += 2 + 256 * (bytes[at + 2] ?? 0) + (bytes[at + 3] ?? 0);
  }
  const rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(at);
  return rest.subarray(-endBytes).includes(Buffer.of(0xff, 0xd9));
}

/** Reason why an image file cannot be read. @throws the error, if it has another cause than the file. */
export function damageOf(error: unknown): string {
  if (error instanceof DamagedImageError) return error.damage;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && typeof syscall === 'string') return `no access (${code})`;
  throw error;
}
