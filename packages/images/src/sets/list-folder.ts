import type { Dirent } from 'node:fs';
import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareCodePoints } from '@dpar/io';
import { isSystemEntry } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { isImageName } from '../decode/image-format.js';
import type { ImageFile } from './stored-image-set.js';

/** Name of the file with the settings of `dpar sample` in its folder of images. It is not listed as ignored. */
export const sampleSettingsFile = 'sample.json';

/** Entries of a folder whose status is asked for at a time. */
const entriesAtATime = 64;

/** Content of a folder of images. Paths are relative to it, with slashes. All lists are sorted by code point, as in Python. */
export interface FolderListing {
  readonly images: readonly ImageFile[];
  /** Names of the direct subfolders, also of those without images. They are the classes, if any. */
  readonly folders: readonly string[];
  /** Files that are not images, and system entries (see `isSystemEntry`), whose content is not listed. */
  readonly ignored: readonly string[];
}

/**
 * Lists a folder that holds images.
 * @param caller Name of the function, for the error messages.
 * @throws DparError if there are no images; see {@link listFolder}.
 */
export async function listImages(caller: string, folder: string): Promise<FolderListing> {
  const listing = await listFolder(caller, folder);
  const { images, ignored } = listing;
  if (images.length > 0) return listing;
  const got = ignored.length === 0 ? 'an empty folder' : `${ignored.length} other files, such as '${ignored[0]}'`;
  throw new DparError(`${caller}: expected images in '${folder}', got ${got}. Check the path.`);
}

/**
 * Lists a folder of images with all folders below it. Links are followed.
 *
 * @throws DparError that names a broken link, a file name that is not UTF-8, or a circle of links.
 */
async function listFolder(caller: string, folder: string): Promise<FolderListing> {
  const images: ImageFile[] = [];
  const folders: string[] = [];
  const ignored: string[] = [];
  const walk = async (below: string, above: readonly string[]): Promise<void> => {
    const place = await realpath(join(folder, below));
    if (above.includes(place)) {
      throw new DparError(
        `${caller}: expected folders without circular links, got one at '${join(folder, below)}'. Remove the link.`,
      );
    }
    const entries = await readdir(place, { withFileTypes: true, encoding: 'buffer' });
    for (let first = 0; first < entries.length; first += entriesAtATime) {
      const some = entries.slice(first, first + entriesAtATime).map((entry) => ({ entry, ...nameOf(entry) }));
      const statuses = await Promise.all(
        some.map(({ entry, name, decoded }) =>
          decoded && !isSystemEntry(name) ? statusOf(caller, join(folder, below, name), entry) : undefined,
        ),
      );
      for (const [i, { entry, name, decoded }] of some.entries()) {
        const path = below === '' ? name : `${below}/${name}`;
        const status = statuses[i];
        if (isSystemEntry(name)) {
          ignored.push(path);
        } else if (!decoded) {
          if (entry.isFile() && !isImageName(name)) ignored.push(path);
          else refuseName(caller, join(folder, path));
        } else if (status?.isDirectory()) {
          if (below === '') folders.push(name);
          await walk(path, [...above, place]);
        } else if (status?.isFile() && isImageName(name)) images.push({ path, bytes: status.size });
        else if (path !== sampleSettingsFile) ignored.push(path);
      }
    }
  };
  await walk('', []);
  return {
    images: images.sort((a, b) => compareCodePoints(a.path, b.path)),
    folders: folders.sort(compareCodePoints),
    ignored: ignored.sort(compareCodePoints),
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Name of an entry. If it is not UTF-8, bytes that are not ASCII are written as `\xE9`. */
function nameOf({ name }: Dirent<Buffer>): { readonly name: string; readonly decoded: boolean } {
  try {
    return { name: utf8.decode(name), decoded: true };
  } catch {
    const escaped = (byte: number): string =>
      byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase()}`;
    return { name: Array.from(name, escaped).join(''), decoded: false };
  }
}

function refuseName(caller: string, path: string): never {
  throw new DparError(`${caller}: expected file names in UTF-8, got '${path}'. Rename it, or move it away.`);
}

/** Status of an entry, following links. @throws DparError for a broken link. */
async function statusOf(caller: string, path: string, entry: Dirent<Buffer>) {
  return stat(path).catch(async (error: NodeJS.ErrnoException) => {
    if (!entry.isSymbolicLink() || (error.code !== 'ENOENT' && error.code !== 'ELOOP')) throw error;
    throw new DparError(
      `${caller}: expected a file or folder behind the link '${path}', got nothing at '${await readlink(path)}'. ` +
        'Restore it, or remove the link.',
      { cause: error },
    );
  });
}
