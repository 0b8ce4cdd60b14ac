import { createHash, randomBytes } from 'node:crypto';
import { open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type KindsOf, listOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { codeOf } from './error.js';
import { makeFolder } from './make-folder.js';

/** Kind of a hidden file or folder next to its target: incomplete, or the complete previous version. */
export type SiblingKind = 'partial' | 'previous';

/** Digits of this machine in hidden names. */
const machineDigits = createHash('sha256').update(hostname()).digest('hex').slice(0, 4);

/** Digits of a process of this machine in hidden names. */
const processDigits = process.pid.toString(16).padStart(6, '0').slice(-6);

/**
 * Makes a unique hidden name in the folder of `path`: `.name.partial-0123456789abcdef`. The digits are 4 of the machine, 6 of the
 * process and 6 random ones.
 */
export function siblingOf(path: string, kind: SiblingKind): string {
  const digits = `${machineDigits}${processDigits}${randomBytes(3).toString('hex')}`;
  return join(dirname(path), `.${basename(path)}.${kind}-${digits}`);
}

/** Age in milliseconds after which a hidden file of another machine counts as abandoned. Writing changes its time. */
const abandonedAge = 3_600_000;

/**
 * True for a hidden file whose writer has ended: a process of this machine that does not run any more, or a process of another
 * machine that has not written for an hour.
 */
export async function isAbandoned(path: string): Promise<boolean> {
  const digits = path.slice(-16);
  if (digits.startsWith(machineDigits)) return !isRunning(Number.parseInt(digits.slice(4, 10), 16));
  const status = await unlessMissing(stat(path));
  return status !== undefined && Date.now() - status.mtimeMs > abandonedAge;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH'; // a process of another user is running, too
  }
}

/** Parses a file name of {@link siblingOf}. Undefined for other names. */
export function parseSibling(fileName: string): { name: string; kind: SiblingKind } | undefined {
  const [, name, kind] = /^\.(.+)\.(partial|previous)-[0-9a-f]{16}$/s.exec(fileName) ?? [];
  return name === undefined ? undefined : { name, kind: kind as SiblingKind };
}

/** Runs an action. Undefined if a file or folder that it needs is missing. */
export async function unlessMissing<T>(action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Syncs the entries of a folder to the disk. Windows cannot open folders, so it does nothing there. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Changes the path of a system error from a hidden file or folder to its target. The error of a full disk, which may have no
 * path, gets the target's path.
 */
export function aboutTarget(error: unknown, partial: string, target: string): unknown {
  if (codeOf(error) === undefined) return error;
  const { path = partial } = error as NodeJS.ErrnoException;
  return path.startsWith(partial)
    ? Object.assign(error as Error, { path: target + path.slice(partial.length) })
    : error;
}

/** Content of a file: text (UTF-8), bytes, or pieces of bytes. */
export type FileContent = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Writes a new file and syncs it to the disk. */
export async function writeNewFile(path: string, content: FileContent): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await writeFile(handle, content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file atomically: `path` always holds either the whole old content or the whole new content. The content goes to a
 * hidden file in the same folder, is synced to the disk and renamed. Missing folders are made. A symbolic link at `path` is
 * replaced, not followed. If writing fails, the hidden file is removed. After a crash it may remain as `.name.partial-*`.
 *
 * @throws the error of the file system or of the content's iteration.
 */
export async function writeFileAtomic(path: string, content: FileContent): Promise<void> {
  checkArguments('writeFileAtomic', { path, content }, { path: 'string', content: 'string | Uint8Array | object' });
  await writeFiles([{ path, content }]);
}

/** A file to write. */
export interface NewFile {
  readonly path: string;
  readonly content: FileContent;
}

const newFileKinds: KindsOf<NewFile> = { path: 'string', content: 'string | Uint8Array | object', '*': 'any' };

/**
 * Writes files of which the last refers to the others, such as an index. A reader of the last file never finds the others
 * incomplete or of another version. All files are written under hidden names and synced. Then the old last file is removed and
 * the new files are renamed in order. A failure before the renames leaves the old files unchanged. A crash during the renames
 * leaves the last file missing.
 *
 * @throws the error of the file system or of the content's iteration.
 */
export async function writeFilesAtomic(files: readonly NewFile[]): Promise<void> {
  checkArguments('writeFilesAtomic', { files }, { files: listOf(newFileKinds) });
  await writeFiles(files);
}

async function writeFiles(files: readonly NewFile[]): Promise<void> {
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
    for (const { path, target, partial } of targets) {
      await rename(partial, target).catch((error) => {
        throw aboutTarget(error, partial, path);
      });
    }
  } catch (error) {
    for (const { partial } of targets) await rm(partial, { force: true }).catch(() => {});
    throw error;
  }
  for (const folder of new Set(targets.map(({ target }) => dirname(target)))) await syncFolder(folder);
}
