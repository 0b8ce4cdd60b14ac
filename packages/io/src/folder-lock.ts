import { link, readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseSibling, siblingOf, unlessMissing, writeNewFile } from './atomic-file.js';
import { checkArguments } from './check-arguments.js';
import { codeOf, IoError } from './error.js';
import { shortJson } from './json.js';
import { makeFolder } from './make-folder.js';

/** Name of the file that names the writer of a folder. */
const lockName = '.lock';

/** Name of the lock under which an ended process's lock is replaced. */
const guardName = `${lockName}-takeover`;

/** Exclusive lock of a folder. */
export interface FolderLock {
  /** Releases the lock. */
  release(): Promise<void>;
}

/** Process that holds a lock. */
interface Holder {
  readonly pid: number;
  readonly host: string;
}

/**
 * Locks a folder for this process, by a file `.lock` in it. All writers must lock it. A missing folder is made. The lock of a
 * process that ended on this machine is taken over. The lock of a process that ended on another machine must be removed by
 * hand.
 * @throws IoError if another process holds the lock, or this process by an earlier call.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  checkArguments('lockFolder', { folder }, { folder: 'string' });
  const path = join(resolve(folder), lockName);
  await makeFolder(folder);
  if (!(await tryLock(path))) {
    const holder = await holderOf(path);
    if (holder !== undefined && !isGone(holder)) throw heldBy(folder, path, holder);
    const isLocked = holder === undefined ? await tryLock(path) : await takeOver(path);
    if (!isLocked) throw heldBy(folder, path, await holderOf(path));
  }
  await removeLeftovers(path);
  return { release: () => rm(path, { force: true }) };
}

/** Removes files of processes that ended while locking. A process that is just locking is refused anyway. */
async function removeLeftovers(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    const { name: target = '' } = parseSibling(name) ?? {};
    if ([lockName, guardName].includes(target)) await rm(join(dirname(path), name), { force: true });
  }
}

/** Creates the lock atomically, unless there is one: a hard link cannot replace a file, and its content is complete. */
async function tryLock(path: string): Promise<boolean> {
  const own = siblingOf(path, 'partial');
  const holder: Holder = { pid: process.pid, host: hostname() };
  await writeNewFile(own, `${JSON.stringify(holder)}\n`);
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/**
 * Replaces the lock of an ended process by that of this one. Only one process at a time does so, under a lock of its own:
 * otherwise one could remove the lock that another has just made.
 */
async function takeOver(path: string): Promise<boolean> {
  const guard = join(dirname(path), guardName);
  if (!(await tryLock(guard))) {
    const other = await holderOf(guard);
    if (other !== undefined && !isGone(other)) return false;
    await rm(guard, { force: true });
    if (!(await tryLock(guard))) return false;
  }
  try {
    const holder = await holderOf(path);
    if (holder !== undefined && !isGone(holder)) return false;
    await rm(path, { force: true });
    return await tryLock(path);
  } finally {
    await rm(guard, { force: true });
  }
}

/** Reads the holder of a lock. Undefined if the lock has been released. */
async function holderOf(path: string): Promise<Holder | undefined> {
  const text = await unlessMissing(readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  try {
    const { pid, host } = JSON.parse(text);
    if (Number.isSafeInteger(pid) && pid > 0 && typeof host === 'string') return { pid, host };
  } catch {
    // Not JSON.
  }
  throw new IoError(
    `lockFolder: expected pid and host of a process in '${path}', got ${shortJson(text)}. Remove that file.`,
  );
}

/** Checks that the holder is a process of this machine that has ended. */
function isGone({ pid, host }: Holder): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // For a running process of another user the error is EPERM.
    return codeOf(error) === 'ESRCH';
  }
}

function heldBy(folder: string, path: string, holder: Holder | undefined): IoError {
  const who = holder ? `process ${holder.pid} on '${holder.host}'` : 'another process';
  return new IoError(
    `lockFolder: expected '${folder}' to be unlocked, got a lock of ${who}. Wait for it, or write another folder. ` +
      `If that process has ended, remove '${path}'.`,
  );
}
