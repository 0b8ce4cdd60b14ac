import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkArguments } from './check-arguments.js';

/**
 * Makes a folder and those above it, as far as they are missing. Node's own `recursive` says on a read-only file system
 * that there is no such folder; here the error says what is wrong.
 *
 * @throws the error of the file system, such as EROFS or EACCES.
 */
export async function makeFolder(path: string): Promise<void> {
  checkArguments('makeFolder', { path }, { path: 'string' });

  try {
    await mkdir(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (await isFolder(path)) return;
    if (error.code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path).catch(async (second) => {
      if (!(await isFolder(path))) throw second; // somebody else may have made it
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}
