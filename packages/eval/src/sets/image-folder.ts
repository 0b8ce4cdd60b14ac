import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { formatDigest } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { checkBackground, type ImageReading, imageReadingKinds } from '../image-set.js';
import { decodeImage, inspectImage } from './decode-image.js';
import { listFolder } from './list-folder.js';
import type { ImageFile, StoredImageSet } from './stored-image-set.js';

/** Files read or decoded at a time. */
const filesAtATime = 8;

/** How {@link openImageFolder} tells sets of images apart. */
export interface ImageFolderOptions {
  /** What is digested beside the paths: all that the files hold, or their sizes alone, which takes no reading (default: content). */
  readonly digest?: 'content' | 'sizes';
  /** How files become RGB where `read` is not told otherwise. */
  readonly reading?: ImageReading;
}

const imageFolderOptionsKinds: KindsOf<ImageFolderOptions> = {
  'digest?': "'content' | 'sizes'",
  'reading?': imageReadingKinds,
};

/**
 * The images of a folder and of those in it, as a set, in the order of their paths by code point. Its identity is a digest of
 * their paths and contents. What files are images is decided by their names' ends; all others are listed as `ignored`, and so
 * are entries of the system, such as `.git`, `._x.png`, `@eaDir` and `Thumbs.db`, with all they hold.
 *
 * @throws DparError if there are no images, folders that are links make a circle, a link leads nowhere, or a file name is not
 * UTF-8. Reading an image that is damaged, or of a format that is not read, throws a DparError that names it.
 */
export async function openImageFolder(folder: string, options: ImageFolderOptions = {}): Promise<StoredImageSet> {
  checkArguments('openImageFolder', { folder, options }, { folder: 'string', 'options?': imageFolderOptionsKinds });
  const { digest: digested = 'content', reading: usual = {} } = options;
  checkBackground('openImageFolder', usual);
  const { images, folders, ignored } = await listFolder(folder);
  if (images.length === 0) {
    const got = ignored.length === 0 ? 'an empty folder' : `${ignored.length} other files, such as '${ignored[0]}'`;
    throw new DparError(`openImageFolder: expected images in '${folder}', got ${got}. Check the path.`);
  }
  const paths = images.map(({ path }) => join(folder, path));
  const digestOf = async (index: number): Promise<Buffer | undefined> =>
    digested === 'sizes'
      ? undefined
      : createHash('sha256')
          .update(await readFile(paths[index] as string))
          .digest();
  const hash = createHash('sha256');
  const files: ImageFile[] = [];
  for await (const digest of loadAhead(images.length, filesAtATime, digestOf)) {
    const { path, bytes } = images[files.length] as ImageFile;
    hash.update(`${JSON.stringify(path)}\n`).update(digest ?? `${bytes}\n`);
    files.push({ path, bytes, ...(digest && { digest: digest.toString('hex', 0, 8) }) });
  }
  return {
    name: folder,
    path: folder,
    count: images.length,
    identity: formatDigest(hash),
    files,
    folders,
    ignored,
    nameOf: (index) => paths[index] as string,
    read: (first, count, reading = usual) =>
      loadAhead(count, filesAtATime, async (i) => {
        const path = paths[first + i] as string;
        return decodeImage(path, await readFile(path), reading);
      }),
    inspect: (first, count) =>
      loadAhead(count, filesAtATime, async (i) => {
        const path = paths[first + i] as string;
        return inspectImage(path, await readFile(path));
      }),
  };
}

/**
 * What `load` gives for 0 to `count - 1`, in order, with up to `ahead` of them under way at a time.
 *
 * @throws what `load` throws, at its turn.
 */
export async function* loadAhead<V>(
  count: number,
  ahead: number,
  load: (index: number) => Promise<V>,
): AsyncGenerator<V> {
  const underWay: Promise<V>[] = [];
  for (let next = 0, done = 0; done < count; done++) {
    for (; next < count && next < done + ahead; next++) {
      const loading = load(next);
      loading.catch(() => {}); // it is thrown at its turn, unless nobody waits for it any more
      underWay.push(loading);
    }
    yield await (underWay.shift() as Promise<V>);
  }
}
