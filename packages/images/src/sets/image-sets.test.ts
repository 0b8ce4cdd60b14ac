import { mkdir, readFile, rename, rm, rmdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { pixelsOf, randomImages, writePngs } from '@dpar/fixtures';
import { formatNpy, formatNpz, npzChunks, type StoredTensor } from '@dpar/io';
import { writeFileAtomic } from '@dpar/io/node';
import { describe, expect, it } from 'vitest';
import type { ImageSet, RgbImage } from '../image-set.js';

import { openImageArray } from './image-array.js';
import { openImageFolder } from './image-folder.js';

async function read(set: ImageSet, first = 0, count = set.count): Promise<RgbImage[]> {
  const images: RgbImage[] = [];
  for await (const image of set.read(first, count)) images.push(image);
  return images;
}

describe('openImageFolder', () => {
  const names = ['b/1.png', 'a/x/2.png', 'a.png', 'Z.PNG', 'a/10.png'];

  it('reads nested images in the order of their paths, and lists all else', async () => {
    const folder = await temporaryFolder();
    const images = randomImages(5);
    await writePngs(folder, images, (i) => names[i] ?? '');
    for (const name of ['a/notes.txt', '.hidden', 'sample.json']) await writeFile(join(folder, name), '');
    const set = await openImageFolder(folder);
    expect(set.count).toBe(5);
    expect(set.ignored).toEqual(['.hidden', 'a/notes.txt']);
    expect([0, 1, 2, 3, 4].map((i) => set.nameOf(i))).toEqual([...names].sort().map((name) => join(folder, name)));
    const sorted = names.map((name, i) => [name, images[i]] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    expect(await read(set)).toEqual(sorted.map(([, image]) => image));
    expect(await read(set, 1, 3)).toEqual(sorted.slice(1, 4).map(([, image]) => image));
  });

  it('has an identity of its content and names', async () => {
    const folder = await temporaryFolder();
    await writePngs(folder, randomImages(3), (i) => `${i}.png`);
    const identity = async () => (await openImageFolder(folder)).identity;
    const before = await identity();
    await writeFile(join(folder, 'notes.txt'), '');
    expect(await identity()).toBe(before);
    await rename(join(folder, '2.png'), join(folder, '3.png'));
    const renamed = await identity();
    await writePngs(folder, randomImages(1, 9), () => '3.png');
    expect(new Set([before, renamed, await identity()]).size).toBe(3);
  });

  it('has an identity of sizes and names if that is asked for', async () => {
    const folder = await temporaryFolder();
    const identity = async () => (await openImageFolder(folder, { digest: 'sizes' })).identity;
    for (const name of ['1.png', '2.png']) await writeFile(join(folder, name), 'abcd');
    const before = await identity();
    await writeFile(join(folder, '1.png'), 'efgh'); // not told apart
    expect(await identity()).toBe(before);
    await writeFile(join(folder, '1.png'), 'efghi');
    const longer = await identity();
    await rename(join(folder, '2.png'), join(folder, '3.png'));
    expect(new Set([before, longer, await identity()]).size).toBe(3);
    expect(longer).not.toBe((await openImageFolder(folder)).identity);
  });

  it('names an image that is damaged when it is read', async () => {
    const folder = await temporaryFolder();
    await writePngs(folder, randomImages(12), (i) => `${10 + i}.png`);
    await truncate(join(folder, '15.png'), 50);
    const set = await openImageFolder(folder);
    await expect(read(set)).rejects.toThrow(`'${join(folder, '15.png')}', got a damaged file`);
    expect(await read(set, 0, 5)).toHaveLength(5);
  });

  it('follows links, but not in circles', async () => {
    const folder = await temporaryFolder();
    await writePngs(folder, randomImages(2), (i) => `a/${i}.png`);
    await symlink(join(folder, 'a'), join(folder, 'b'));
    expect((await openImageFolder(folder)).count).toBe(4);
    await symlink(folder, join(folder, 'a/c'));
    await expect(openImageFolder(folder)).rejects.toThrow('expected folders without circular links');
  });

  it('names a link that leads nowhere, to itself or to a file that is gone', async () => {
    const folder = await temporaryFolder();
    await writePngs(folder, randomImages(1), () => 'cat/1.png');
    for (const [link, target] of [
      ['cat/2.png', 'gone.png'],
      ['dog', '/nowhere/dog'],
      ['self.png', 'self.png'],
    ] as const) {
      const path = join(folder, link);
      await symlink(target, path);
      await expect(openImageFolder(folder)).rejects.toThrow(`behind the link '${path}', got nothing at '${target}'.`);
      await rm(path);
    }
    await symlink('nowhere', join(folder, 'cat/.#lock'));
    expect((await openImageFolder(folder)).ignored).toEqual(['cat/.#lock']);
  });

  // Other systems refuse such names themselves.
  it.runIf(process.platform === 'linux')('names a file or folder whose name is not UTF-8', async () => {
    const folder = await temporaryFolder();
    await writePngs(folder, randomImages(1), () => 'cat/1.png');
    const latin1 = (name: string) => Buffer.from(join(folder, name), 'latin1');
    for (const name of ['caf\xe9.png', 'cat/\xff\xfe.jpg']) {
      await writeFile(latin1(name), '');
      const shown = join(folder, name.replace('\xe9', '\\xE9').replace('\xff\xfe', '\\xFF\\xFE'));
      await expect(openImageFolder(folder)).rejects.toThrow(`expected file names in UTF-8, got '${shown}'.`);
      await rm(latin1(name));
    }
    await mkdir(latin1('caf\xe9'));
    await expect(openImageFolder(folder)).rejects.toThrow(`got '${join(folder, 'caf\\xE9')}'.`);
    await rmdir(latin1('caf\xe9'));
    for (const name of ['notes-\xe9.txt', '.\xe9.png']) await writeFile(latin1(name), '');
    expect((await openImageFolder(folder)).ignored).toEqual(['.\\xE9.png', 'notes-\\xE9.txt']);
  });

  it('does not look into entries of the system, at any depth', async () => {
    const folder = await temporaryFolder();
    const own = ['a/1.png', 'a/b/2.png', '\uff41/3.png', '\u{1f600}/4.png'];
    const others = [
      '.git/5.png',
      'a/@eaDir/6.png',
      'a/b/._2.png',
      'a/b/.hidden.png',
      'System Volume Information/7.png',
    ];
    await writePngs(folder, randomImages(9), (i) => [...own, ...others][i] ?? '');
    await mkdir(join(folder, 'empty'));
    const set = await openImageFolder(folder);
    expect(set.files?.map(({ path }) => path)).toEqual(own);
    expect(set.folders).toEqual(['a', 'empty', '\uff41', '\u{1f600}']);
    expect(set.ignored).toEqual(['.git', 'System Volume Information', 'a/@eaDir', 'a/b/._2.png', 'a/b/.hidden.png']);
  });

  it('refuses a folder without images', async () => {
    const folder = await temporaryFolder();
    await expect(openImageFolder(folder)).rejects.toThrow('got an empty folder');
    await mkdir(join(folder, 'a'));
    await writeFile(join(folder, 'a/b.csv'), '');
    await expect(openImageFolder(folder)).rejects.toThrow("1 other files, such as 'a/b.csv'");
  });
});

describe('openImageArray', () => {
  const images = randomImages(7);
  const batch: StoredTensor = { dtype: 'U8', shape: [7, 3, 4, 3], bytes: pixelsOf(images) };

  it.each([
    ['stored', async (path: string) => writeFile(path, formatNpz({ arr_0: batch }))],
    ['deflated', async (path: string) => writeFile(path, formatNpz({ arr_0: batch }, { compress: true }))],
    ['64-bit', (path: string) => writeFileAtomic(path, npzChunks({ arr_0: { ...batch, chunks: [batch.bytes] } }))],
  ])('reads a sample batch, %s', async (_, write) => {
    const path = join(await temporaryFolder(), 'a.npz');
    await write(path);
    const set = await openImageArray(path);
    expect(set.count).toBe(7);
    expect(await read(set)).toEqual(images);
    expect(await read(set, 2, 4)).toEqual(images.slice(2, 6));
    expect(set.nameOf(3)).toBe(`image 3 of '${path}'`);
  });

  it('reads .npy in Fortran order', async () => {
    const path = join(await temporaryFolder(), 'a.npy');
    await writeFile(path, formatNpy(batch, { fortranOrder: true }));
    expect(await read(await openImageArray(path), 1, 5)).toEqual(images.slice(1, 6));
  });

  it('refuses other arrays, and damaged ones', async () => {
    const path = join(await temporaryFolder(), 'a.npz');
    await writeFile(path, formatNpz({ arr_0: { ...batch, shape: [7, 9, 4, 1] } }));
    await expect(openImageArray(path)).rejects.toThrow('got U8[7, 9, 4, 1]');
    await writeFile(path, formatNpz({ arr: batch }));
    await expect(openImageArray(path)).rejects.toThrow('got none');
    await writeFile(path, formatNpz({ arr_0: batch }));
    const bytes = await readFile(path);
    bytes[200] = (bytes[200] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await expect(openImageArray(path).then(read)).rejects.toThrow('The file is damaged.');
  });
});
