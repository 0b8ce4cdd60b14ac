import type { Dirent } from 'node:fs';
import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareCodePoints } from '@dpar/io';
import { isSystemEntry } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { isImageName } from '../decode/image-format.js';

/** Name of the file in which `dpar sample` says what a folder's images are made with; it is not named as no image. */
export const sampleSettingsFile = 'sample.json';

/** An image in a folder. */
export interface ListedImage {
  /** Its path from the folder, with slashes. */
  readonly path: string;
  /** Size of its file. */
  readonly bytes: number;
}

/** What a folder of images holds, by paths from it with slashes. All are sorted by code point, as Python sorts them. */
export interface FolderListing {
  readonly images: readonly ListedImage[];
  /** Names of the folders directly in it, also of those without images: its classes, if it has any. */
  readonly folders: readonly string[];
  /** Files that are no images, and entries of the system (see `isSystemEntry`), which are not looked into. */
  readonly ignored: readonly string[];
}

/**
 * Lists a folder of images, with all folders below it. Links are followed.
 *
 * @throws DparError that names a link that leads nowhere, a file name that is not UTF-8, or folders that are links in a circle.
 */
export async function listFolder(folder: string): Promise<FolderListing> {
  const images: ListedImage[] = [];
  const folders: string[] = [];
  const ignored: string[] = [];
  const walk = async (below: string, above: readonly string[]): Promise<void> => {
    const place = await realpath(join(folder, below));
    if (above.includes(place)) {
      throw new DparError(
        `openImageFolder: expected folders that end, got a circle at '${join(folder, below)}'. Remove the link.`,
      );
    }
    for (const entry of await readdir(place, { withFileTypes: true, encoding: 'buffer' })) {
      const { name, decoded } = nameOf(entry);
      const path = below === '' ? name : `${below}/${name}`;
      if (isSystemEntry(name)) {
        ignored.push(path);
      } else if (!decoded) {
        if (entry.isFile() && !isImageName(name)) ignored.push(path);
        else refuseName(join(folder, path));
      } else {
        const status = await statusOf(join(folder, path), entry);
        if (status.isDirectory()) {
          if (below === '') folders.push(name);
          await walk(path, [...above, place]);
        } else if (status.isFile() && isImageName(name)) images.push({ path, bytes: status.size });
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

/** The name of an entry; of one that is not UTF-8 with `\xE9` for each byte that is not ASCII. */
function nameOf({ name }: Dirent<Buffer>): { readonly name: string; readonly decoded: boolean } {
  try {
    return { name: utf8.decode(name), decoded: true };
  } catch {
    const escaped = (byte: number): string =>
      byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase()}`;
    return { name: Array.from(name, escaped).join(''), decoded: false };
  }
}

function refuseName(path: string): never {
  throw new DparError(`openImageFolder: expected file names in UTF-8, got '${path}'. Rename it, or move it away.`);
}

/** @throws DparError for a link that leads nowhere. */
async function statusOf(path: string, entry: Dirent<Buffer>) {
  return stat(path).catch(async (error: NodeJS.ErrnoException) => {
    if (!entry.isSymbolicLink() || (error.code !== 'ENOENT' && error.code !== 'ELOOP')) throw error;
    throw new DparError(
      `openImageFolder: expected a file or folder behind the link '${path}', got nothing at '${await readlink(path)}'. ` +
        'Bring it back, or remove the link.',
      { cause: error },
    );
  });
}
