import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkArguments } from './check-arguments.js';
import { codeOf } from './error.js';

/**
 * Makes a folder and its missing parents. On a read-only file system, Node's `recursive` reports a missing folder; this function
 * reports the real error.
 *
 * @throws the error of the file system, such as EROFS or EACCES.
 */
export async function makeFolder(path: string): Promise<void> {
  checkArguments('makeFolder', { path }, { path: 'string' });
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    if (await isFolder(path)) return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path).catch(async (second) => {
      if (!(await isFolder(path))) throw second; // another process may have made it
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}
