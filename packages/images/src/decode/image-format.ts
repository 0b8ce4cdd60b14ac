import { extname } from 'node:path';
import { type FileFormat, formatOf } from '@dpar/io';
import { checkArguments } from '../check-arguments.js';

/** A format of image files. */
export interface ImageFormat {
  readonly name: string;
  /** Instruction for files of a format that is not supported everywhere. */
  readonly remedy?: string;
}

const convert = 'Convert it to PNG.';
const render = 'Render it to PNG at the size you need.';
const develop = 'Develop it to JPEG or PNG, such as with darktable-cli.';

const heicBrands = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs', 'mif1', 'mif2', 'msf1', 'miaf'];

/** First bytes of the files of each format, as characters. `?` stands for any byte. */
const formats: readonly (ImageFormat & { readonly starts: readonly string[] })[] = [
  { name: 'PNG', starts: ['\x89PNG\r\n\x1a\n'] },
  { name: 'JPEG', starts: ['\xff\xd8\xff'] },
  { name: 'WebP', starts: ['RIFF????WEBP'] },
  { name: 'GIF', starts: ['GIF87a', 'GIF89a'] },
  { name: 'TIFF', starts: ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'] },
  { name: 'AVIF', starts: ['????ftypavif', '????ftypavis'] },
  {
    name: 'HEIC',
    remedy: 'Convert it to JPEG or PNG, such as with heif-convert or sips.',
    starts: heicBrands.map((brand) => `????ftyp${brand}`),
  },
  {
    name: 'BMP',
    remedy: "Convert it to PNG, such as with ImageMagick's mogrify -format png.",
    starts: ['BM????\0\0\0\0'],
  },
  {
    name: 'JPEG XL',
    remedy: 'Convert it to PNG, such as with djxl.',
    starts: ['\xff\x0a', '\0\0\0\x0cJXL \r\n\x87\n'],
  },
  { name: 'JPEG 2000', remedy: convert, starts: ['\0\0\0\x0cjP  \r\n\x87\n', '\xff\x4f\xff\x51'] },
  { name: 'Photoshop', remedy: convert, starts: ['8BPS'] },
  { name: 'OpenEXR', remedy: convert, starts: ['v/1\x01'] },
  { name: 'Radiance HDR', remedy: convert, starts: ['#?RADIANCE'] },
  { name: 'QOI', remedy: convert, starts: ['qoif'] },
  { name: 'DDS', remedy: convert, starts: ['DDS '] },
  { name: 'ICO', remedy: convert, starts: ['\0\0\x01\0'] },
  {
    name: 'PNM',
    remedy: convert,
    starts: ['P1', 'P2', 'P3', 'P4', 'P5', 'P6'].flatMap((kind) => [...'\n\r \t'].map((space) => kind + space)),
  },
  { name: 'PAM', remedy: convert, starts: ['P7\n'] },
  { name: 'PFM', remedy: convert, starts: ['Pf\n', 'PF\n'] },
  { name: 'ICNS', remedy: convert, starts: ['icns'] },
  { name: 'PCX', remedy: convert, starts: ['\n\x05\x01'] },
  { name: 'SGI', remedy: convert, starts: ['\x01\xda'] },
  { name: 'XCF', remedy: 'Export it from GIMP as PNG.', starts: ['gimp xcf'] },
  { name: 'PDF', remedy: render, starts: ['%PDF'] },
  { name: 'PostScript', remedy: render, starts: ['%!PS'] },
  { name: 'a raw photograph', remedy: develop, starts: ['FUJIFILMCCD-RAW', '????ftypcrx '] },
];

/**
 * Recognises the format of an image file by its first bytes. Its name does not matter.
 * @param bytes At least the first 32, or all of a shorter file.
 * @returns undefined for bytes of no known format.
 */
export function imageFormatOf(bytes: Uint8Array): ImageFormat | undefined {
  checkArguments('imageFormatOf', { bytes }, { bytes: 'Uint8Array' });
  const startsWith = (start: string): boolean =>
    [...start].every((character, i) => character === '?' || bytes[i] === character.charCodeAt(0));
  const found = formats.find(({ starts }) => starts.some(startsWith));
  if (found === undefined) return isSvg(bytes) ? { name: 'SVG', remedy: render } : undefined;
  // Files with AVIF images may begin with a brand of HEIC.
  if (found.name === 'HEIC' && latin1(bytes.subarray(8, 40)).includes('avif')) return { name: 'AVIF' };
  const { starts: _, ...format } = found;
  return format;
}

function isSvg(bytes: Uint8Array): boolean {
  return /^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--[^>]*-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg[\s>]/.test(
    latin1(bytes.subarray(0, 1000)),
  );
}

/** Describes a file that is not a known image, with an instruction. */
export function describeOther(name: string, bytes: Uint8Array): Pick<FileFormat, 'what' | 'remedy'> {
  const format = formatOf(bytes);
  if (format !== undefined) return format;
  // Some formats have no signature, or one at the end.
  const end = latin1(bytes.subarray(-18));
  if (end.startsWith('TRUEVISION-XFILE') || unreadExtensions.has(extname(name).toLowerCase())) {
    return { what: 'a file of a format that is not supported', remedy: convert };
  }
  const first = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return { what: `a damaged file (it begins with ${first}, as no image format does)`, remedy: 'Make it again.' };
}

/** Converts each byte to the character with its number. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Extensions of supported image files. */
const readExtensions = new Set('.png .apng .jpg .jpeg .jpe .jfif .webp .avif .gif .tif .tiff'.split(' '));

/** Extensions of image files that are not supported. */
const unreadExtensions = new Set(
  '.bmp .dib .ppm .pgm .pbm .pnm .heic .heif .jp2 .jxl .exr .hdr .tga .svg .psd .qoi'.split(' '),
);

/** Checks that a file has the name of an image, supported or not. */
export function isImageName(name: string): boolean {
  const extension = extname(name).toLowerCase();
  return readExtensions.has(extension) || unreadExtensions.has(extension);
}
