import { randomBytes } from 'node:crypto';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type KindsOf, listOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { makeFolder } from './make-folder.js';

/** What a hidden file or folder beside its target is: not yet complete, or the complete one that was there before. */
export type SiblingKind = 'partial' | 'previous';

/** A new name beside `path`, which no other writer takes: `.name.partial-0123456789abcdef`. */
export function siblingOf(path: string, kind: SiblingKind): string {
  return join(dirname(path), `.${basename(path)}.${kind}-${randomBytes(8).toString('hex')}`);
}

/** The name and kind that {@link siblingOf} made a file's name of; undefined for other names. */
export function parseSibling(fileName: string): { name: string; kind: SiblingKind } | undefined {
  const [, name, kind] = /^\.(.+)\.(partial|previous)-[0-9a-f]{16}$/s.exec(fileName) ?? [];
  return name === undefined ? undefined : { name, kind: kind as SiblingKind };
}

/** Writes a folder's entries to the disk, where the system can (Windows cannot open folders). */
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
 * An error of the system about a hidden file or folder that is being written, as one about its target: also that of a full
 * disk, which names no path where a file is open already.
 */
export function aboutTarget(error: unknown, partial: string, target: string): unknown {
  if (!(error instanceof Error && 'code' in error)) return error;
  const { path = partial } = error as NodeJS.ErrnoException;
  return path.startsWith(partial) ? Object.assign(error, { path: target + path.slice(partial.length) }) : error;
}

/** What {@link writeFileAtomic} writes: text (UTF-8), bytes, or pieces of them one after the other. */
export type FileContent = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Writes a file that is not there yet, to the disk. */
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
 * Writes a file so that `path` at all times holds its old content, or the new one as a whole: into a hidden file beside
 * it, to the disk, then renamed. Missing folders above it are made. A symbolic link at `path` is replaced, not followed.
 * If anything fails, the content's own iteration included, the hidden file is removed and the error passed on; after a
 * crash it may stay as `.name.partial-*`.
 *
 * @throws the error of the file system, or that of the content's own iteration.
 */
export async function writeFileAtomic(path: string, content: FileContent): Promise<void> {
  checkArguments('writeFileAtomic', { path, content }, { path: 'string', content: 'string | Uint8Array | object' });

  const target = resolve(path);
  const partial = siblingOf(target, 'partial');
  await makeFolder(dirname(target));
  try {
    await writeNewFile(partial, content);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw aboutTarget(error, partial, path);
  }
  await syncFolder(dirname(target));
}

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

/** Writes a value as indented JSON, as {@link writeFileAtomic} writes. */
export function writeJson(path: string, value: unknown): Promise<void> {
  checkArguments('writeJson', { path, value }, { path: 'string', 'value?': 'any' });

  return writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
