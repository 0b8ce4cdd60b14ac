import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { formatDigest } from '@dpar/io/node';
import { checkArguments } from '../check-arguments.js';
import { cropVariants } from '../crop/crops.js';
import { decodeImage, inspectImage } from '../decode/decode-image.js';
import { checkBackground, type ImageReading, imageReadingKinds } from '../image-set.js';
import { loadAhead } from '../load-ahead.js';
import { openPictureThreads, type PictureThreads } from '../threads/picture-threads.js';
import { listImages } from './list-folder.js';
import type { ImageFile, StoredImageSet } from './stored-image-set.js';

/** Files read or decoded at a time. */
const filesAtATime = 8;

/** Options of {@link openImageFolder}. */
export interface ImageFolderOptions {
  /** Input of the identity besides the paths: contents of the files (default), or only their sizes, without reading them. */
  readonly digest?: 'content' | 'sizes';
  /** Conversion of files to RGB, if a call of `read` has none. */
  readonly reading?: ImageReading;
  /** Threads that decode images; close the set to end them. Default: none, so the calling thread decodes. */
  readonly threads?: number | undefined;
}

const imageFolderOptionsKinds: KindsOf<ImageFolderOptions> = {
  'digest?': "'content' | 'sizes'",
  'reading?': imageReadingKinds,
  'threads?': 'number',
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
  const { digest: digested = 'content', reading: usual = {}, threads: count } = options;
  checkBackground('openImageFolder', usual);
  const { images, folders, ignored } = await listImages('openImageFolder', folder);
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
    ...(count === undefined ? readHere(paths, usual) : readInThreads(paths, usual, openPictureThreads(count))),
  };
}

/** The functions of a set that read its files. */
type Readers = Required<Pick<StoredImageSet, 'read' | 'readCrops' | 'inspect' | 'close'>>;

function readHere(paths: readonly string[], usual: ImageReading): Readers {
  const decode = async (index: number, reading: ImageReading) => {
    const path = paths[index] as string;
    return decodeImage(path, await readFile(path), reading);
  };
  return {
    read: (first, count, reading = usual) => loadAhead(count, filesAtATime, (i) => decode(first + i, reading)),
    readCrops: (first, count, crops, reading = usual) =>
      loadAhead(count, filesAtATime, async (i) => cropVariants(await decode(first + i, reading), crops)),
    inspect: (first, count) =>
      loadAhead(count, filesAtATime, async (i) => {
        const path = paths[first + i] as string;
        return inspectImage(path, await readFile(path));
      }),
    close: async () => {},
  };
}

function readInThreads(paths: readonly string[], usual: ImageReading, threads: PictureThreads): Readers {
  const ahead = Math.max(filesAtATime, 2 * threads.count);
  const path = (index: number): string => paths[index] as string;
  return {
    read: (first, count, reading = usual) =>
      loadAhead(count, ahead, (i) => threads.run('picture', { path: path(first + i), reading })),
    readCrops: (first, count, crops, reading = usual) =>
      loadAhead(count, ahead, (i) => threads.run('crops', { path: path(first + i), reading, crops })),
    inspect: (first, count) => loadAhead(count, ahead, (i) => threads.run('inspection', { path: path(first + i) })),
    close: () => threads.close(),
  };
}
