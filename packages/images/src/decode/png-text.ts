import { inflateSync } from 'node:zlib';

/** Most bytes of an inflated text. */
const longest = 1 << 20;

/** Metadata in the text chunks of a PNG file. */
export interface PngText {
  /** EXIF data as written by older versions of ImageMagick. */
  readonly exif: Uint8Array | undefined;
  readonly xmp: Uint8Array | undefined;
}

/**
 * Reads EXIF and XMP data from the text chunks of a PNG file.
 * @param chunks All chunks. Damaged texts are skipped.
 */
export function readPngText(chunks: readonly { readonly name: string; readonly data: Uint8Array }[]): PngText {
  const texts = new Map(chunks.flatMap(({ name, data }) => textOf(name, Buffer.from(data))));
  const profile = texts.get('Raw profile type exif')?.toString('latin1');
  // The name, the length and the bytes in hexadecimal digits, each on lines of their own.
  const digits = profile && /^\s*exif\s+\d+\s+([0-9a-f\s]+)$/i.exec(profile)?.[1]?.replaceAll(/\s+/g, '');
  return { exif: digits ? Buffer.from(digits, 'hex') : undefined, xmp: texts.get('XML:com.adobe.xmp') };
}

/** Keyword and content of a text chunk; none for other chunks. */
function textOf(name: string, data: Buffer): [string, Buffer][] {
  if (!['tEXt', 'zTXt', 'iTXt'].includes(name)) return [];
  const end = data.indexOf(0);
  if (end < 0) return [];
  let content = data.subarray(end + 1);
  let deflated = name === 'zTXt';
  if (deflated) content = content.subarray(1);
  if (name === 'iTXt') {
    deflated = content[0] === 1;
    // The language and the translated keyword follow.
    const language = content.indexOf(0, 2);
    content = content.subarray(content.indexOf(0, language + 1) + 1);
  }
  try {
    return [[data.toString('latin1', 0, end), deflated ? inflateSync(content, { maxOutputLength: longest }) : content]];
  } catch {
    return [];
  }
}
