import { createReadStream } from 'node:fs';
import { link, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from './atomic-file.js';
import { writeFolderAtomic } from './atomic-folder.js';
import { checkArguments } from './check-arguments.js';

/** What file systems without hard links say, those that are mounted over another, and where a file has its most links. */
const withoutLinks: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK']);

/**
 * Makes a folder with the files of another under a second name, whole or not at all; an older folder at `target` is replaced
 * with all it holds. The files are hard links and take no room of their own; where there are none, they are copies.
 * Only for files that are never changed in place, as those that `writeFileAtomic` writes.
 *
 * @param source Folder of files alone.
 * @throws IoError if `target` is a file.
 */
export async function linkFolder(source: string, target: string): Promise<void> {
  checkArguments('linkFolder', { source, target }, { source: 'string', target: 'string' });

  await writeFolderAtomic(target, async (partial) => {
    for (const name of await readdir(source)) await linkFile(join(source, name), join(partial, name));
  });
}

/**
 * Gives a file that is never changed in place a second name, whole or not at all: as a hard link, or a copy where there are
 * none.
 * @throws Error of the system if the file or the folder of the new name is missing, or a file of that name is there.
 */
export async function linkFile(source: string, target: string): Promise<void> {
  checkArguments('linkFile', { source, target }, { source: 'string', target: 'string' });

  try {
    await link(source, target);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && withoutLinks.has(error.code))) throw error;
    await writeFileAtomic(target, createReadStream(source));
  }
}
