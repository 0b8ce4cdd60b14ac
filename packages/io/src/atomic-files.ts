import { rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type KindsOf, listOf } from '@dpar/check';
import { aboutTarget, type FileContent, siblingOf, syncFolder, writeNewFile } from './atomic-file.js';
import { checkArguments } from './check-arguments.js';
import { makeFolder } from './make-folder.js';

/** A file to write. */
export interface NewFile {
  readonly path: string;
  readonly content: FileContent;
}

const newFileKinds: KindsOf<NewFile> = { path: 'string', content: 'string | Uint8Array | object', '*': 'any' };

/**
 * Writes files that belong together, of which the last refers to the others: readers who open that one never find the
 * others half-written, or of another time. All are written beside their places and to the disk; then the last one that was
 * there before is removed, and the new ones are renamed into place in order. If anything fails before that, what was there
 * stays as it is and what was written is removed; a crash while renaming leaves the last one missing.
 *
 * @throws the error of the file system, or that of the content's own iteration.
 */
export async function writeFilesAtomic(files: readonly NewFile[]): Promise<void> {
  checkArguments('writeFilesAtomic', { files }, { files: listOf(newFileKinds) });

  const targets = files.map(({ path, content }) => {
    const target = resolve(path);
    return { path, target, content, partial: siblingOf(target, 'partial') };
  });
  const last = targets.at(-1);
  if (last === undefined) return;
  try {
    for (const { path, target, partial, content } of targets) {
      await makeFolder(dirname(target));
      await writeNewFile(partial, content).catch((error) => {
        throw aboutTarget(error, partial, path);
      });
    }
    if (targets.length > 1) await rm(last.target, { force: true });
    for (const { target, partial } of targets) await rename(partial, target);
  } catch (error) {
    for (const { partial } of targets) await rm(partial, { force: true }).catch(() => {});
    throw error;
  }
  for (const folder of new Set(targets.map(({ target }) => dirname(target)))) await syncFolder(folder);
}
