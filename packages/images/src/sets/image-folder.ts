import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { formatDigest } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { decodeImage, inspectImage } from '../decode/decode-image.js';
import { checkBackground, type ImageReading, imageReadingKinds } from '../image-set.js';
import { listFolder } from './list-folder.js';
import type { ImageFile, StoredImageSet } from './stored-image-set.js';

/** Files read or decoded at a time. */
const filesAtATime = 8;

/** Options of {@link openImageFolder}. */
export interface ImageFolderOptions {
  /** Input of the identity besides the paths: contents of the files (default), or only their sizes, without reading them. */
  readonly digest?: 'content' | 'sizes';
  /** Conversion of files to RGB, if a call of `read` has none. */
  readonly reading?: ImageReading;
}

const imageFolderOptionsKinds: KindsOf<ImageFolderOptions> = {
  'digest?': "'content' | 'sizes'",
  'reading?': imageReadingKinds,
};

/**
 * Opens the images of a folder and its subfolders as a set, in the order of their paths by code point. Its identity is a digest
 * of their paths and contents. Files are images by their extensions. All others are listed as `ignored`, as are system entries,
 * such as `.git`, `._x.png`, `@eaDir` and `Thumbs.db`.
 *
 * @throws DparError if there are no images, links are circular or broken, or a file name is not UTF-8. Reading an image that is
 * damaged or of an unsupported format throws a DparError that names it.
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
    files.push({ path, bytes, digest: digest?.toString('hex', 0, 8) });
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
 * Yields the results of `load` for 0 to `count - 1`, in order. Up to `ahead` calls run at a time.
 *
 * @throws the errors of `load`, in turn.
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
      loading.catch(() => {}); // thrown in turn, or ignored if the consumer stops
      underWay.push(loading);
    }
    yield await (underWay.shift() as Promise<V>);
  }
}
