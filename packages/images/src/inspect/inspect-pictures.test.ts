import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { patternImage, randomImages } from '@dpar/fixtures';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { inspectPictures } from './inspect-pictures.js';

/** A picture for sharp. */
function picture(width: number, height: number, seed = 0): Sharp {
  const data = seed === 0 ? patternImage(width, height).data : randomImages(1, seed, width, height)[0]?.data;
  return sharp(data, { raw: { width, height, channels: 3 } });
}

async function write(folder: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

describe('inspectPictures', () => {
  it('counts classes, formats, sizes and what is special', async () => {
    const folder = await temporaryFolder();
    const png = await picture(30, 20).png().toBuffer();
    const jpeg = await picture(100, 80, 1).jpeg().toBuffer();
    await write(folder, {
      'cat/1.png': png,
      'cat/same.png': png,
      'cat/deep/turned.jpg': await picture(90, 60, 2).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
      'dog/clear.png': await picture(64, 70).ensureAlpha(0.5).png().toBuffer(),
      'dog/opaque.webp': await picture(64, 70).ensureAlpha(1).webp().toBuffer(),
      'dog/whole.jpg': jpeg,
      'dog/cut.jpg': jpeg.subarray(0, jpeg.length - 50),
      'dog/page.jpg': '<!DOCTYPE html>',
      'empty/notes.txt': '',
    });
    const steps: [number, number][] = [];
    const found = await inspectPictures(folder, { size: 64, onProgress: (done, total) => steps.push([done, total]) });
    expect(found).toMatchObject({
      folder,
      count: 8,
      readable: 6,
      classes: [
        { name: 'cat', count: 3 },
        { name: 'dog', count: 3 },
        { name: 'empty', count: 0 },
      ],
      withoutClass: 0,
      formats: [
        { name: 'PNG', count: 3 },
        { name: 'JPEG', count: 2 },
        { name: 'WebP', count: 1 },
      ],
      widths: { smallest: 30, largest: 100 },
      // The turned picture of 90 x 60 is 60 wide.
      heights: { smallest: 20, median: 70, largest: 90 },
      shorterSides: { smallest: 20, lowerQuartile: 20, median: 64, largest: 80 },
      small: 3,
      transparent: 1,
      turned: 1,
      duplicates: [['cat/1.png', 'cat/same.png']],
      ignored: ['empty/notes.txt'],
    });
    expect(found.damaged.map(({ path }) => path)).toEqual(['dog/cut.jpg', 'dog/page.jpg']);
    expect(found.damaged[0]?.reason).toMatch(/^a damaged file/);
    expect(found.damaged[1]?.reason).toBe('an HTML page');
    expect(steps).toEqual([[8, 8]]);
  });

  it('knows no classes where all pictures lie in the folder', async () => {
    const folder = await temporaryFolder();
    await write(folder, { 'a.png': await picture(3, 3).png().toBuffer(), 'sub/readme.md': '' });
    expect(await inspectPictures(folder)).toMatchObject({ classes: [], withoutClass: 1 });
  });

  it('finds damage behind the header of pictures that it decodes', async () => {
    const folder = await temporaryFolder();
    const png = await picture(50, 50, 3).png().toBuffer();
    png[png.length - 40] = (png[png.length - 40] ?? 0) ^ 1;
    const gif = await picture(50, 50, 3).gif().toBuffer();
    const webp = await picture(50, 50, 3).webp().toBuffer();
    const avif = await picture(50, 50, 3).avif().toBuffer();
    await write(folder, { 'a.png': png });
    expect((await inspectPictures(folder)).damaged).toEqual([]);
    await write(folder, {
      'c.gif': gif.subarray(0, -20),
      'd.webp': webp.subarray(0, -20),
      'e.avif': avif.subarray(0, -20),
      'f.avif': avif,
      'g.gif': gif,
    });
    const damaged = async (pixels: boolean) =>
      (await inspectPictures(folder, { pixels })).damaged.map(({ path }) => path);
    expect(await damaged(false)).toEqual(['c.gif', 'd.webp', 'e.avif']);
    expect(await damaged(true)).toEqual(['a.png', 'c.gif', 'd.webp', 'e.avif']);
  });

  it('refuses a folder without pictures and unknown options, and can be aborted', async () => {
    const folder = await temporaryFolder();
    await expect(inspectPictures(folder)).rejects.toThrow('inspectPictures: expected images in');
    await expect(inspectPictures(folder, { sizes: 3 } as object)).rejects.toThrow("Did you mean 'size'?");
    await write(folder, { 'a.png': await picture(3, 3).png().toBuffer() });
    await expect(inspectPictures(folder, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });
});
