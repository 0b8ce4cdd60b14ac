import { extname } from 'node:path';
import { checkArguments } from '../check-arguments.js';

/** A format of image files. */
export interface ImageFormat {
  readonly name: string;
  /** What to do about a file, for the formats that are not read everywhere. */
  readonly remedy?: string;
}

const convert = 'Convert it to PNG.';
const render = 'Render it to PNG at the size you need.';
const develop = 'Develop it to JPEG or PNG, such as with darktable-cli.';

/** What begins a file of each format: text at a place. `?` stands for any byte. */
const signatures: readonly (readonly [at: number, text: string, format: ImageFormat])[] = [
  [0, '\x89PNG\r\n\x1a\n', { name: 'PNG' }],
  [0, '\xff\xd8\xff', { name: 'JPEG' }],
  [0, 'RIFF????WEBP', { name: 'WebP' }],
  [0, 'GIF87a', { name: 'GIF' }],
  [0, 'GIF89a', { name: 'GIF' }],
  [0, 'II*\0', { name: 'TIFF' }],
  [0, 'MM\0*', { name: 'TIFF' }],
  [0, 'II+\0', { name: 'TIFF' }],
  [0, 'MM\0+', { name: 'TIFF' }],
  [4, 'ftypavif', { name: 'AVIF' }],
  [4, 'ftypavis', { name: 'AVIF' }],
  ...['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs', 'mif1', 'mif2', 'msf1', 'miaf'].map(
    (brand) =>
      [
        4,
        `ftyp${brand}`,
        { name: 'HEIC', remedy: 'Convert it to JPEG or PNG, such as with heif-convert or sips.' },
      ] as const,
  ),
  [
    0,
    'BM????\0\0\0\0',
    { name: 'BMP', remedy: `${convert.slice(0, -1)}, such as with ImageMagick's mogrify -format png.` },
  ],
  [0, '\xff\x0a', { name: 'JPEG XL', remedy: `${convert.slice(0, -1)}, such as with djxl.` }],
  [0, '\0\0\0\x0cJXL \r\n\x87\n', { name: 'JPEG XL', remedy: `${convert.slice(0, -1)}, such as with djxl.` }],
  [0, '\0\0\0\x0cjP  \r\n\x87\n', { name: 'JPEG 2000', remedy: convert }],
  [0, '\xff\x4f\xff\x51', { name: 'JPEG 2000', remedy: convert }],
  [0, '8BPS', { name: 'Photoshop', remedy: convert }],
  [0, 'v/1\x01', { name: 'OpenEXR', remedy: convert }],
  [0, '#?RADIANCE', { name: 'Radiance HDR', remedy: convert }],
  [0, 'qoif', { name: 'QOI', remedy: convert }],
  [0, 'DDS ', { name: 'DDS', remedy: convert }],
  [0, '\0\0\x01\0', { name: 'ICO', remedy: convert }],
  ...['1', '2', '3', '4', '5', '6'].flatMap((kind) =>
    ['\n', '\r', ' ', '\t'].map((space) => [0, `P${kind}${space}`, { name: 'PNM', remedy: convert }] as const),
  ),
  [0, 'P7\n', { name: 'PAM', remedy: convert }],
  [0, 'Pf\n', { name: 'PFM', remedy: convert }],
  [0, 'PF\n', { name: 'PFM', remedy: convert }],
  [0, 'icns', { name: 'ICNS', remedy: convert }],
  [0, '\n\x05\x01', { name: 'PCX', remedy: convert }],
  [0, '\x01\xda', { name: 'SGI', remedy: convert }],
  [0, 'gimp xcf', { name: 'XCF', remedy: 'Export it from GIMP as PNG.' }],
  [0, '%PDF', { name: 'PDF', remedy: render }],
  [0, '%!PS', { name: 'PostScript', remedy: render }],
  [0, 'FUJIFILMCCD-RAW', { name: 'a raw photograph', remedy: develop }],
  [4, 'ftypcrx ', { name: 'a raw photograph', remedy: develop }],
];

/**
 * The format of an image file by its first bytes, whatever its name.
 * @param bytes At least the first 32, if the file has as many.
 * @returns undefined for bytes of no format that is known.
 */
export function imageFormatOf(bytes: Uint8Array): ImageFormat | undefined {
  checkArguments('imageFormatOf', { bytes }, { bytes: 'Uint8Array' });
  const found = signatures.find(([at, text]) =>
    [...text].every((character, i) => character === '?' || bytes[at + i] === character.charCodeAt(0)),
  );
  if (found === undefined) return isSvg(bytes) ? { name: 'SVG', remedy: render } : undefined;
  const [, , format] = found;
  // Files of many brands: those with AVIF images begin as those with HEIC images may.
  if (format.name === 'HEIC' && latin1(bytes.subarray(8, 40)).includes('avif')) return { name: 'AVIF' };
  return format;
}

function isSvg(bytes: Uint8Array): boolean {
  return /^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--[^>]*-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg[\s>]/.test(
    latin1(bytes.subarray(0, 1000)),
  );
}

/** What a file of no known format is, and what to do about it. */
export function describeOther(name: string, bytes: Uint8Array): { readonly what: string; readonly remedy: string } {
  const begin = latin1(bytes.subarray(0, 200)).replace('\xef\xbb\xbf', '').trimStart();
  if (bytes.length === 0) return { what: 'a damaged file (it is empty)', remedy: 'Make it again.' };
  if (begin.startsWith('version https://git-lfs')) {
    return { what: 'a Git LFS pointer', remedy: 'Fetch the file itself: git lfs pull.' };
  }
  if (/^<(!doctype html|html)/i.test(begin)) return { what: 'an HTML page', remedy: 'Download the image itself.' };
  if (/^(<\?xml|[{[]\s*["{])/.test(begin)) {
    return { what: 'a text, such as an error message of a server', remedy: 'Download the image itself.' };
  }
  // Some formats have no signature, or one at the end.
  const end = latin1(bytes.subarray(-18));
  if (end.startsWith('TRUEVISION-XFILE') || unreadEndings.has(extname(name).toLowerCase())) {
    return { what: 'a file of a format that is not read', remedy: convert };
  }
  const first = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return { what: `a damaged file (it begins with ${first}, as no image format does)`, remedy: 'Make it again.' };
}

/** Bytes as characters of the same numbers. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Endings of names of image files that are read. */
const readEndings = new Set('.png .apng .jpg .jpeg .jpe .jfif .webp .avif .gif .tif .tiff'.split(' '));

/** Endings of names of image files that are not read. */
const unreadEndings = new Set(
  '.bmp .dib .ppm .pgm .pbm .pnm .heic .heif .jp2 .jxl .exr .hdr .tga .svg .psd .qoi'.split(' '),
);

/** Whether a file is an image by its name, whether or not it can be read. */
export function isImageName(name: string): boolean {
  const ending = extname(name).toLowerCase();
  return readEndings.has(ending) || unreadEndings.has(ending);
}
