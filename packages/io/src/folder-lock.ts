import { link, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseSibling, siblingOf, writeNewFile } from './atomic-file.js';
import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { makeFolder } from './make-folder.js';

/** Name of the file that says who writes a folder. */
const lockName = '.lock';

/** A folder that no other process writes. */
export interface FolderLock {
  /** Lets others write. */
  release(): Promise<void>;
}

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  readonly host: string;
}

/**
 * Takes a folder for this process alone, among those that ask as well: a file `.lock` in it names the process. The lock of
 * a process of this machine that ended without releasing it is taken over. Processes are not seen across machines, so a
 * lock of another one has to be removed by hand if that process is gone. A missing folder is made.
 * @throws IoError if another process holds it, also if that is this process by an earlier call.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  checkArguments('lockFolder', { folder }, { folder: 'string' });

  const path = join(resolve(folder), lockName);
  await makeFolder(folder);
  if (!(await tryLock(path))) {
    const holder = await holderOf(path);
    if (holder !== undefined && !isGone(holder)) throw heldBy(folder, path, holder);
    if (holder !== undefined) await removeLock(path, holder);
    if (!(await tryLock(path))) throw heldBy(folder, path, await holderOf(path));
  }
  await removeLeftovers(path);
  return { release: () => rm(path, { force: true }) };
}

/** Removes what processes left that ended while they asked. One that is just asking is refused, as it would be anyway. */
async function removeLeftovers(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (parseSibling(name)?.name === lockName) await rm(join(dirname(path), name), { force: true });
  }
}

/** Makes the lock as a whole, unless there is one: a link cannot replace a file, and shows what was written before. */
async function tryLock(path: string): Promise<boolean> {
  const own = siblingOf(path, 'partial');
  const holder: Holder = { pid: process.pid, host: hostname() };
  await writeNewFile(own, `${JSON.stringify(holder)}\n`);
  try {
    await link(own, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/** Removes the lock of a process that is gone, and puts it back if it turns out to be that of one that came first. */
async function removeLock(path: string, gone: Holder): Promise<void> {
  const moved = siblingOf(path, 'previous');
  await rename(path, moved).catch(ignoreMissing);
  const holder = await holderOf(moved);
  if (holder && holder.pid !== gone.pid) await link(moved, path).catch(() => {});
  await rm(moved, { force: true });
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

/** Who holds the lock; undefined if it has been released since. */
async function holderOf(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(ignoreMissing);
  if (text === undefined) return undefined;
  try {
    const { pid, host } = JSON.parse(text);
    if (Number.isSafeInteger(pid) && pid > 0 && typeof host === 'string') return { pid, host };
  } catch {
    // Not JSON.
  }
  throw new IoError(`lockFolder: expected who writes the folder in '${path}', got other content. Remove that file.`);
}

/** Whether the holder is a process of this machine that has ended. */
function isGone({ pid, host }: Holder): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // Processes of other users may not be asked, but they are there.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function heldBy(folder: string, path: string, holder: Holder | undefined): IoError {
  const who = holder ? `process ${holder.pid} on '${holder.host}'` : 'another process';
  return new IoError(
    `lockFolder: expected '${folder}' to be free, got one that ${who} is writing. Wait for it, or write another folder; ` +
      `if that process is gone, remove '${path}'.`,
  );
}
