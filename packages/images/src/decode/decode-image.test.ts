import { readFileSync } from 'node:fs';
import { randomImages } from '@dpar/fixtures';
import { encode } from 'fast-png';
import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';
import type { ImageReading } from '../image-set.js';
import { openImageFolder } from '../sets/image-folder.js';
import { decodeImage } from './decode-image.js';

const [image] = randomImages(1, 3, 13, 7);
const { width, height, data } = image ?? { width: 0, height: 0, data: new Uint8Array() };
const raw = { raw: { width, height, channels: 3 as const } };

/** The pixels that another decoder gives, without alpha. */
async function expected(file: Uint8Array): Promise<number[]> {
  return [...(await sharp(file, { ignoreIcc: true }).toColourspace('srgb').removeAlpha().raw().toBuffer())];
}

describe('PNG', () => {
  it('gives RGB as it is', async () => {
    const file = encode({ width, height, data, channels: 3, depth: 8 });
    expect(await decodeImage('a.png', file)).toEqual(image);
  });

  const variants: [string, () => Promise<Uint8Array>][] = [
    ['palette of 16', () => sharp(data, raw).png({ palette: true, colours: 16 }).toBuffer()],
    ['palette of 2', () => sharp(data, raw).png({ palette: true, colours: 2 }).toBuffer()],
    [
      'palette of 4, interlaced',
      () => sharp(data, raw).png({ palette: true, colours: 4, progressive: true }).toBuffer(),
    ],
    ['grey', () => sharp(data, raw).toColourspace('b-w').png().toBuffer()],
    ['interlaced', () => sharp(data, raw).png({ progressive: true }).toBuffer()],
  ];
  it.each(variants)('%s is as another decoder reads it', async (_, make) => {
    const file = await make();
    expect([...(await decodeImage('a.png', file)).data]).toEqual(await expected(file));
  });

  it('drops alpha and keeps the colours under it, and repeats grey', async () => {
    const withAlpha = encode({ width: 1, height: 1, data: Uint8Array.of(10, 20, 30, 0), channels: 4, depth: 8 });
    expect([...(await decodeImage('a.png', withAlpha)).data]).toEqual([10, 20, 30]);
    const grey = encode({ width: 2, height: 1, data: Uint8Array.of(7, 0, 9, 255), channels: 2, depth: 8 });
    expect([...(await decodeImage('a.png', grey)).data]).toEqual([7, 7, 7, 9, 9, 9]);
  });

  it('keeps the upper byte of 16 bits', async () => {
    const file = encode({ width: 1, height: 1, data: Uint16Array.of(0x12ff, 0xff00, 0x00ff), channels: 3, depth: 16 });
    expect([...(await decodeImage('a.png', file)).data]).toEqual([0x12, 0xff, 0]);
  });

  it('spreads fewer bits over 0 to 255', async () => {
    // 2 bits a sample: 0, 1, 2, 3.
    const file = encode({ width: 4, height: 1, data: Uint8Array.of(0b00011011), channels: 1, depth: 2 });
    expect([...(await decodeImage('a.png', file)).data].filter((_, i) => i % 3 === 0)).toEqual([0, 85, 170, 255]);
  });

  it('names a file that is damaged, without memory for what its header says', async () => {
    const file = Buffer.from(encode({ width, height, data, channels: 3, depth: 8 }));
    const huge = Buffer.from(file);
    huge.writeUInt32BE(0x7fffffff, 16);
    const changed = Buffer.from(file);
    changed[60] = (changed[60] ?? 0) ^ 1;
    for (const bytes of [huge, changed, file.subarray(0, 70), file.subarray(0, 20), Buffer.alloc(0)]) {
      await expect(decodeImage('dir/a.png', bytes)).rejects.toThrow(
        /expected an image in 'dir\/a.png', got (a damaged|an empty) file/,
      );
    }
  });
});

describe('other formats', () => {
  it.each(['jpeg', 'webp', 'avif', 'gif', 'tiff'] as const)('%s', async (format) => {
    const file = await sharp(data, raw).toFormat(format).toBuffer();
    const decoded = await decodeImage(`a.${format === 'jpeg' ? 'JPG' : format}`, file);
    expect([decoded.width, decoded.height]).toEqual([width, height]);
    expect([...decoded.data]).toEqual(await expected(file));
    await expect(decodeImage('b.webp', file.subarray(0, file.length / 2))).rejects.toThrow("'b.webp'");
  });

  it('grey JPEG has three channels', async () => {
    const file = await sharp(data, raw).toColourspace('b-w').jpeg().toBuffer();
    expect((await decodeImage('a.jpg', file)).data).toHaveLength(data.length);
  });

  it('go by what a file holds, whatever its name', async () => {
    const expectedData = await expected(await sharp(data, raw).webp().toBuffer());
    for (const name of ['a.png', 'a.jpg', 'a.bmp', 'a']) {
      expect([...(await decodeImage(name, await sharp(data, raw).webp().toBuffer())).data], name).toEqual(expectedData);
    }
    const png = encode({ width, height, data, channels: 3, depth: 8 });
    expect(await decodeImage('a.jpg', png)).toEqual(image);
  });

  const others: [string, string, Uint8Array, string][] = [
    ['BMP', 'a.jpg', Buffer.from('BM6\0\0\0\0\0\0\0', 'latin1'), "got BMP in 'a.jpg'. Convert it to PNG, such as"],
    [
      'HEIC',
      'a.jpg',
      Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'),
      "got HEIC in 'a.jpg'. Convert it to",
    ],
    ['JPEG XL', 'a.png', Uint8Array.of(0xff, 0x0a, 0, 0), "got JPEG XL in 'a.png'. Convert it to PNG"],
    [
      'SVG',
      'a.png',
      Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"/>'),
      'got SVG',
    ],
    [
      'TGA, which has no signature',
      'a.tga',
      new Uint8Array(30),
      "'a.tga', got a file of a format that is not supported. Convert it to PNG.",
    ],
    ['PNM with other white space', 'a.png', Buffer.from('P6 2 2 255 000000000000'), 'got PNM'],
    ['PDF', 'a.jpg', Buffer.from('%PDF-1.4\n'), "got PDF in 'a.jpg'. Render it to PNG"],
    ['a raw photograph', 'a.jpg', Buffer.from('\0\0\0\x18ftypcrx \0\0\0\0', 'latin1'), 'Develop it to JPEG or PNG'],
    [
      'TGA by its end',
      'a.png',
      Buffer.from(`\0\0\x02${'\0'.repeat(30)}TRUEVISION-XFILE.\0`, 'latin1'),
      "'a.png', got a file of a format that is not supported. Convert it to PNG.",
    ],
    [
      'an error of a server',
      'a.jpg',
      Buffer.from('<?xml version="1.0"?><Error/>'),
      'got an XML document, "<?xml version',
    ],
    ['an error in JSON', 'a.jpg', Buffer.from('{"error": 404}'), 'got JSON text, "{'],
    ['a page with a mark of its encoding', 'a.jpg', Buffer.from('\ufeff<!DOCTYPE html>'), 'got an HTML page'],
    ['a Git LFS pointer', 'a.png', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), 'git lfs pull'],
    [
      'an HTML page',
      'a.png',
      Buffer.from('\n<!DOCTYPE html><html>'),
      'got an HTML page. Download the file itself, not the page about it.',
    ],
    ['text', 'a.png', Buffer.from('no image'), 'got text, "no image".'],
    ['bytes of no format', 'a.png', Uint8Array.of(1, 2, 3, 254), 'begins with 01 02 03 fe'],
    ['nothing', 'a.png', new Uint8Array(), 'an empty file'],
  ];
  it.each(others)('says what %s is and needs', async (_, name, file, message) => {
    await expect(decodeImage(name, file)).rejects.toThrow(message);
  });
});

/** Files and what Pillow 12.3 makes of them; bytes in base64. */
interface Recorded {
  readonly name: string;
  readonly file: string;
  readonly size: readonly [width: number, height: number];
  /** By `exif_transpose` and `convert('RGB')`. */
  readonly upright: string;
  /** By `convert('RGB')`, where it differs. */
  readonly stored?: string;
  /** By `exif_transpose` and `alpha_composite` on white and on (10, 200, 30), where they differ. */
  readonly white?: string;
  readonly green?: string;
}

const recorded: readonly Recorded[] = JSON.parse(readFileSync(new URL('pillow-values.json', import.meta.url), 'utf8'));

describe('as Pillow to the bit', () => {
  it.each(recorded)('$name', async ({ file, size, upright, stored = upright, white = upright, green = upright }) => {
    const bytes = Buffer.from(file, 'base64');
    const read = async (reading: ImageReading) => {
      const { width, height, data } = await decodeImage('a', bytes, reading);
      return { size: [width, height], data: Buffer.from(data).toString('base64') };
    };
    expect(await read({})).toEqual({ size, data: upright });
    expect((await read({ orientation: 'stored' })).data).toBe(stored);
    expect(await read({ background: [255, 255, 255] })).toEqual({ size, data: white });
    expect(await read({ background: [10, 200, 30] })).toEqual({ size, data: green });
  });

  it('refuses files that are cut off', async () => {
    for (const { name, file } of recorded.filter(({ name }) =>
      /^orientation 6 of|^CMYK (JPEG|TIFF)$|^GIF$|odd bytes/.test(name),
    )) {
      const bytes = Buffer.from(file, 'base64');
      const cut = decodeImage('dir/a.jpg', bytes.subarray(0, Math.floor(0.7 * bytes.length)));
      await expect(cut, name).rejects.toThrow("'dir/a.jpg', got a damaged file");
    }
  });
});

it.each([
  [[255, 255], '[255, 255]'],
  [[0, 0, 0, 255], '[0, 0, 0, 255]'],
  [[-1, 0, 0], '[-1, 0, 0]'],
  [[0, 256, 0], '[0, 256, 0]'],
  [[0.5, 0, 0], '[0.5, 0, 0]'],
  [[Number.NaN, 0, 0], '[NaN, 0, 0]'],
])('refuses %s as background', async (background, shown) => {
  const file = encode({ width: 1, height: 1, data: Uint8Array.of(10, 20, 30, 0), channels: 4, depth: 8 });
  const reading = { background } as unknown as ImageReading;
  const message = `expected 'background' to be red, green and blue from 0 to 255, got ${shown}. Pass three`;
  await expect(decodeImage('a.png', file, reading)).rejects.toThrow(`decodeImage: ${message}`);
  await expect(openImageFolder('nowhere', { reading })).rejects.toThrow(`openImageFolder: ${message}`);
});

it('says that a kind of TIFF is not read, in place of damage, once', async () => {
  const file = Buffer.from(await sharp(data, raw).tiff({ compression: 'none' }).toBuffer());
  // 34925: LZMA
  const directory = file.readUInt32LE(4);
  for (let at = directory + 2; at < directory + 2 + 12 * file.readUInt16LE(directory); at += 12) {
    if (file.readUInt16LE(at) === 259) file.writeUInt16LE(34925, at + 8);
  }
  const refused = decodeImage('a.tif', file);
  await expect(refused).rejects.toThrow(
    /got a TIFF file of a kind that is not supported \(.*LZMA.*\)\. Convert it to PNG\.$/,
  );
  await expect(refused).rejects.not.toThrow(/LZMA.*LZMA.*LZMA/);
});

describe('without sharp', () => {
  it('PNG is read, other files say what to install, and none counts as damaged', async () => {
    vi.resetModules();
    vi.doMock('sharp', () => {
      throw new Error('not installed');
    });
    try {
      const { decodeImage: decode, inspectImage } = await import('./decode-image.js');
      expect(await decode('a.png', encode({ width, height, data, channels: 3, depth: 8 }))).toEqual(image);
      const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0);
      const message = "expected the package 'sharp' to read 'a.jpg' (JPEG), got none. Install it (npm i sharp)";
      await expect(decode('a.jpg', jpeg)).rejects.toThrow(message);
      await expect(inspectImage('a.jpg', jpeg)).rejects.toThrow(message);
      await expect(decode('a.jpg', Buffer.from('BM6\0\0\0\0\0\0\0', 'latin1'))).rejects.toThrow('got BMP');
    } finally {
      vi.doUnmock('sharp');
      vi.resetModules();
    }
  });
});
