import { createReadStream } from 'node:fs';
import { link, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from './atomic-file.js';
import { writeFolderAtomic } from './atomic-folder.js';
import { checkArguments } from './check-arguments.js';
import { codeOf } from './error.js';

/** Codes of errors for file systems without hard links, links across file systems, and too many links. */
const withoutLinks: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK']);

/**
 * Makes a second folder with the files of another, atomically. An older folder at `target` is replaced. The files are hard
 * links, which take no space, or copies if links are not supported. Files must never be changed in place; `writeFileAtomic`
 * ensures this.
 *
 * @param source Folder that only holds files.
 * @throws IoError if `target` is a file.
 */
export async function linkFolder(source: string, target: string): Promise<void> {
  checkArguments('linkFolder', { source, target }, { source: 'string', target: 'string' });
  await writeFolderAtomic(target, async (partial) => {
    for (const name of await readdir(source)) await linkFile(join(source, name), join(partial, name));
  });
}

/**
 * Gives a file a second name, atomically, as a hard link or, if links are not supported, as a copy. The file must never be
 * changed in place.
 * @throws Error of the system if the file or the target's folder is missing, or the target exists.
 */
export async function linkFile(source: string, target: string): Promise<void> {
  checkArguments('linkFile', { source, target }, { source: 'string', target: 'string' });
  try {
    await link(source, target);
  } catch (error) {
    if (!withoutLinks.has(codeOf(error))) throw error;
    await writeFileAtomic(target, createReadStream(source));
  }
}
