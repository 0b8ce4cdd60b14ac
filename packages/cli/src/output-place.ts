import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CommandError, describeFileError } from './errors.js';
import type { Options } from './options.js';
import { longName } from './program.js';
import { outputKind } from './sample/output-kind.js';

/** Checks the places of all outputs that a command is given. @throws as {@link checkOutput}; UsageError for an unknown ending. */
export async function checkOutputs(options: Options, values: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, { output }] of Object.entries(options)) {
    const path = values[name];
    if (output === undefined || typeof path !== 'string') continue;
    const kind = output !== 'ending' ? output : outputKind(path) === 'folder' ? 'folder' : 'file';
    await checkOutput(longName(name), path, kind);
  }
}

/**
 * Checks before hours of work that its result can be put in place: the place is free or holds such an output, and the folder
 * that is there can be written.
 * @param name The option, as it is written.
 * @throws CommandError if something else is there, or nothing can be written there.
 */
export async function checkOutput(name: string, path: string, kind: 'file' | 'folder' | 'any'): Promise<void> {
  try {
    // Outputs are written under a longer, hidden name first.
    await statusOf(join(dirname(path), `.${basename(path)}.partial-0123456789abcdef`));
    const there = await statusOf(path);
    if (there !== undefined && !there.isFile() && !there.isDirectory()) {
      // Outputs are put in place by renaming, which would replace the device.
      throw new CommandError(
        `${name}: expected a file, a folder or nothing at '${path}', got a device or a pipe. Choose another path.`,
      );
    }
    if (there !== undefined && kind !== 'any' && there.isDirectory() !== (kind === 'folder')) {
      const [expected, got] = kind === 'folder' ? ['a folder', 'a file'] : ['a file', 'a folder'];
      throw new CommandError(`${name}: expected ${expected} or nothing at '${path}', got ${got}. Choose another path.`);
    }
    const folder = there?.isDirectory() ? resolve(path) : await nearestFolder(dirname(resolve(path)));
    await access(folder, constants.W_OK | constants.X_OK).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error;
      const message = `${name}: expected a place for '${path}' that can be written, got permission denied in '${folder}'.`;
      throw new CommandError(`${message} Choose another path, or change that folder's permissions.`);
    });
  } catch (error) {
    const message = describeFileError(error, path);
    throw message === undefined ? error : new CommandError(`${name}: ${message}`, { cause: error });
  }
}

/** The folder itself, or the nearest of those above it that is there. @throws the system's error ENOTDIR at a file. */
async function nearestFolder(path: string): Promise<string> {
  const there = await statusOf(path);
  if (there?.isDirectory()) return path;
  if (there !== undefined) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
  return dirname(path) === path ? path : nearestFolder(dirname(path));
}

/** What is at a path; undefined if nothing is. */
async function statusOf(path: string) {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    return undefined;
  });
}
