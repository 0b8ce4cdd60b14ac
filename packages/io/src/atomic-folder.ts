import { lstat, mkdir, open, readdir, readlink, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import {
  aboutTarget,
  isAbandoned,
  parseSibling,
  type SiblingKind,
  siblingOf,
  syncFolder,
  unlessMissing,
} from './atomic-file.js';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { makeFolder } from './make-folder.js';

/** Hidden folders that an interrupted writer left next to `target`. */
async function siblingsOf(target: string, kind: SiblingKind): Promise<string[]> {
  const names = (await unlessMissing(readdir(dirname(target)))) ?? [];
  return names
    .filter((name) => {
      const sibling = parseSibling(name);
      return sibling?.name === basename(target) && sibling.kind === kind;
    })
    .map((name) => join(dirname(target), name));
}

/** Follows symbolic links at the end of a path, which need not exist. */
async function placeOf(path: string): Promise<string> {
  let place = resolve(path);
  for (let links = 0; links < 40; links++) {
    if (!(await unlessMissing(lstat(place)))?.isSymbolicLink()) return place;
    place = resolve(dirname(place), await readlink(place));
  }
  throw new IoError(`placeOf: expected symbolic links that end, got circular ones at '${path}'. Choose another path.`);
}

/**
 * Finds the folder that {@link writeFolderAtomic} last completed at `path`: `path` itself or, after a crash between its two
 * renames, the hidden folder next to it. It changes nothing. Undefined if there is neither.
 */
export async function findFolder(path: string): Promise<string | undefined> {
  checkArguments('findFolder', { path }, { path: 'string' });
  const place = await placeOf(path);
  const status = await unlessMissing(lstat(place));
  if (status !== undefined) return status.isDirectory() ? path : undefined;
  return (await siblingsOf(place, 'previous'))[0];
}

/** Restores the folder that a crashed writer had moved aside, and removes its other remains. */
async function recover(target: string): Promise<void> {
  // An existing entry of this name stays.
  const [previous] = (await unlessMissing(lstat(target))) ? [] : await siblingsOf(target, 'previous');
  if (previous !== undefined) await rename(previous, target);
  for (const previous of await siblingsOf(target, 'previous')) await discard(target, previous);
  for (const partial of await siblingsOf(target, 'partial')) await rm(partial, { recursive: true, force: true });
}

/**
 * Cleans a folder after crashes of {@link writeFolderAtomic} or `writeFileAtomic`: restores what was moved aside and removes
 * other remains. No other process may be writing these names. A missing folder is ignored.
 * @param names Names in the folder. Default: all.
 */
export async function recoverFolder(folder: string, names?: readonly string[]): Promise<void> {
  checkArguments('recoverFolder', { folder, names }, { folder: 'string', 'names?': 'string[]' });
  const entries = (await unlessMissing(readdir(folder))) ?? [];
  const interrupted = new Set(entries.flatMap((entry) => parseSibling(entry)?.name ?? []));
  for (const name of interrupted) if (names?.includes(name) ?? true) await recover(join(resolve(folder), name));
}

/**
 * Removes what killed processes left of files that they were writing with `writeFileAtomic`, and of folders with these paths that
 * they were removing or replacing. What a running process of this machine writes stays, and what other machines wrote in the last
 * hour. Missing folders are ignored.
 * @param paths Files, or folders.
 */
export async function recoverFiles(paths: readonly string[]): Promise<void> {
  checkArguments('recoverFiles', { paths }, { paths: 'string[]' });
  const folders = new Map<string, Set<string>>();
  for (const path of paths) {
    const names = folders.get(dirname(path)) ?? new Set();
    folders.set(dirname(path), names.add(basename(path)));
  }
  for (const [folder, names] of folders) await removeAbandoned(folder, (name) => names.has(name));
}

/** Does what {@link recoverFiles} does for all files and folders of a folder. */
export async function recoverFilesIn(folder: string): Promise<void> {
  checkArguments('recoverFilesIn', { folder }, { folder: 'string' });
  await removeAbandoned(folder, () => true);
}

/** Removes partial files and folders of ended processes. @param isMeant Tells by the name of the target. */
async function removeAbandoned(folder: string, isMeant: (name: string) => boolean): Promise<void> {
  for (const entry of (await unlessMissing(readdir(folder))) ?? []) {
    const sibling = parseSibling(entry);
    const hidden = join(folder, entry);
    if (sibling?.kind !== 'partial' || !isMeant(sibling.name) || !(await isAbandoned(hidden))) continue;
    await rm(hidden, { recursive: true, force: true });
  }
}

/** Removes a folder atomically. After a crash it is either complete, or hidden until {@link recoverFolder} removes it. */
export async function removeFolderAtomic(folder: string): Promise<void> {
  checkArguments('removeFolderAtomic', { folder }, { folder: 'string' });
  const target = resolve(folder);
  await unlessMissing(discard(target, target));
}

/** Removes a complete folder. It is renamed first, so a half-removed folder never looks complete. */
async function discard(target: string, folder: string): Promise<void> {
  const partial = siblingOf(target, 'partial');
  await rename(folder, partial);
  await rm(partial, { recursive: true, force: true });
}

/** Syncs a folder and all files in it to the disk. */
async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) {
      const handle = await open(path, 'r+'); // Windows syncs only what is open for writing
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
  }
  await syncFolder(folder);
}

/** Replaces `target` by `partial`. @returns The new name of the old target, if there was one. */
async function swapIn(partial: string, target: string): Promise<string | undefined> {
  const previous = siblingOf(target, 'previous');
  const moved = (await unlessMissing(rename(target, previous).then(() => true))) ?? false;
  try {
    await rename(partial, target);
  } catch (error) {
    if (moved) await rename(previous, target).catch(() => {}); // else the next write puts it back
    throw error;
  }
  return moved ? previous : undefined;
}

/**
 * Writes a folder atomically, and replaces an older one at `path`. `fill` writes the content into a temporary folder next to
 * `path`, which is then synced to the disk and renamed. A symbolic link at `path` is followed. Only one process may write the
 * same folder at a time.
 *
 * A folder cannot be renamed over another, so the old one is moved aside first. A crash between the two renames leaves it
 * complete under a hidden name. {@link findFolder} finds it there, and the next write restores it first. If writing fails, the
 * old folder stays and the temporary one is removed.
 *
 * @throws IoError if `path` is not a folder.
 */
export async function writeFolderAtomic(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  checkArguments('writeFolderAtomic', { path, fill }, { path: 'string', fill: 'function' });
  const target = await placeOf(path);
  if ((await unlessMissing(lstat(target)))?.isDirectory() === false) {
    throw new IoError(`writeFolderAtomic: expected a folder or nothing at '${path}', got a file. Choose another path.`);
  }
  await makeFolder(dirname(target));
  await recover(target);
  const partial = siblingOf(target, 'partial');
  let previous: string | undefined;
  try {
    await mkdir(partial);
    await fill(partial);
    await syncTree(partial);
    previous = await swapIn(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {});
    throw aboutTarget(error, partial, path);
  }
  await syncFolder(dirname(target));
  // The new folder is in place. The next write removes what cannot be removed now.
  if (previous !== undefined) await discard(target, previous).catch(() => {});
}
