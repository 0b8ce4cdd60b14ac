import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { formatDigest } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { decodeImage, isImageName } from './decode-image.js';
import { loadAhead } from './load-ahead.js';
import type { StoredImageSet } from './stored-image-set.js';

/** Name of the file in which `dpar sample` says what a folder's images are made with; it is not named as no image. */
export const sampleSettingsFile = 'sample.json';

/** Files read or decoded at a time. */
const filesAtATime = 8;

/** What a folder holds, by paths from it with slashes, sorted by code units. */
interface Listing {
  readonly images: readonly string[];
  /** Bytes of each image's file. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Files that are no images. */
  readonly others: readonly string[];
}

async function listFolder(folder: string): Promise<Listing> {
  const images: string[] = [];
  const others: string[] = [];
  const sizes = new Map<string, number>();
  const walk = async (below: string, above: readonly string[]): Promise<void> => {
    const place = await realpath(join(folder, below));
    if (above.includes(place)) {
      throw new DparError(`openImageFolder: expected folders that end, got a circle at '${join(folder, below)}'.`);
    }
    for (const name of await readdir(place)) {
      const path = below === '' ? name : `${below}/${name}`;
      const status = await stat(join(folder, path));
      if (status.isDirectory()) await walk(path, [...above, place]);
      else if (status.isFile() && isImageName(name)) {
        images.push(path);
        sizes.set(path, status.size);
      } else if (path !== sampleSettingsFile) others.push(path);
    }
  };
  await walk('', []);
  return { images: images.sort(), sizes, others: others.sort() };
}

/** How {@link openImageFolder} tells sets of images apart. */
export interface ImageFolderOptions {
  /** What is digested beside the paths: all that the files hold, or their sizes alone, which takes no reading (default: content). */
  readonly digest?: 'content' | 'sizes';
}

const imageFolderOptionsKinds: KindsOf<ImageFolderOptions> = { 'digest?': "'content' | 'sizes'" };

/**
 * The images of a folder and of those in it, as a set, in the order of their paths. Its identity is a digest of their paths
 * and contents. What files are images is decided by their names' ends; all others are listed as `ignored`.
 *
 * @throws DparError if there are no images, or folders that are links make a circle. Reading one that is damaged, or of a
 * format that is not read, throws a DparError that names it.
 */
export async function openImageFolder(folder: string, options: ImageFolderOptions = {}): Promise<StoredImageSet> {
  checkArguments('openImageFolder', { folder, options }, { folder: 'string', 'options?': imageFolderOptionsKinds });
  const { digest: digested = 'content' } = options;
  const { images, sizes, others } = await listFolder(folder);
  if (images.length === 0) {
    const got = others.length === 0 ? 'an empty folder' : `${others.length} other files, such as '${others[0]}'`;
    throw new DparError(`openImageFolder: expected images in '${folder}', got ${got}. Check the path.`);
  }
  const pathOf = (index: number): string => join(folder, images[index] as string);
  const hash = createHash('sha256');
  const digest = async (index: number): Promise<Buffer | string> =>
    digested === 'sizes'
      ? `${sizes.get(images[index] as string)}\n`
      : createHash('sha256')
          .update(await readFile(pathOf(index)))
          .digest();
  let index = 0;
  for await (const content of loadAhead(images.length, filesAtATime, digest)) {
    hash.update(`${JSON.stringify(images[index++])}\n`).update(content);
  }
  return {
    name: folder,
    path: folder,
    count: images.length,
    identity: formatDigest(hash),
    ignored: others,
    nameOf: pathOf,
    read: (first, count) =>
      loadAhead(count, filesAtATime, async (i) => {
        const path = pathOf(first + i);
        return decodeImage(path, await readFile(path));
      }),
  };
}
