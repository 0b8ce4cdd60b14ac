import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { recoverFiles } from '@dpar/io/node';
import { CommandError, describeFileError, UsageError } from './errors.js';
import type { Options } from './options.js';
import { longName } from './program.js';

/** Kind of an output, by the ending of its path. A slash at the end means a folder. */
export type OutputKind = 'png' | 'npz' | 'safetensors' | 'folder';

const otherFiles = ['.jpg', '.jpeg', '.webp', '.gif', '.npy', '.json', '.pt', '.zip', '.bin'];

/** Infers the kind of an output from its path. @throws UsageError for the ending of any other file. */
export function outputKind(path: string): OutputKind {
  if (/[/\\]$/.test(path)) return 'folder';
  const extension = extname(path).toLowerCase();
  if (extension === '.png' || extension === '.npz' || extension === '.safetensors') {
    return extension.slice(1) as OutputKind;
  }
  if (otherFiles.includes(extension)) {
    throw new UsageError(
      `--output: expected a path that ends in .png, .npz or .safetensors, or a folder, got '${path}'.`,
    );
  }
  return 'folder';
}

/**
 * Checks all outputs of a command, and removes what killed commands left of files among them.
 * @throws as {@link checkOutput}; UsageError for an unknown ending.
 */
export async function checkOutputs(options: Options, values: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, { output }] of Object.entries(options)) {
    const path = values[name];
    if (output === undefined || typeof path !== 'string') continue;
    const kind = output !== 'ending' ? output : outputKind(path) === 'folder' ? 'folder' : 'file';
    await checkOutput(longName(name), path, kind);
    if (kind === 'file') await recoverFiles([path]);
  }
}

/**
 * Checks before hours of work that the output can be written: the path is free or holds an output of this kind, and its
 * folder is writable.
 * @param name Name of the option on the command line.
 * @throws CommandError if the path holds anything else, or is not writable.
 */
export async function checkOutput(name: string, path: string, kind: 'file' | 'folder' | 'any'): Promise<void> {
  try {
    // Outputs are first written under a longer, hidden name.
    await statusOf(join(dirname(path), `.${basename(path)}.partial-0123456789abcdef`));
    const there = await statusOf(path);
    if (there !== undefined && !there.isFile() && !there.isDirectory()) {
      // Outputs are moved to their path, which would replace the device.
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
      const message = `${name}: expected a writable folder for '${path}', got permission denied in '${folder}'.`;
      throw new CommandError(`${message} Choose another path, or change that folder's permissions.`);
    });
  } catch (error) {
    const message = describeFileError(error, path);
    throw message === undefined ? error : new CommandError(`${name}: ${message}`, { cause: error });
  }
}

/** The folder, or its nearest existing parent. @throws the system's error ENOTDIR if that is a file. */
async function nearestFolder(path: string): Promise<string> {
  const there = await statusOf(path);
  if (there?.isDirectory()) return path;
  if (there !== undefined) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
  return dirname(path) === path ? path : nearestFolder(dirname(path));
}

/** Status of a path; undefined if nothing is there. */
async function statusOf(path: string) {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    return undefined;
  });
}
