import { isDparError } from '@dpar/tensor';

/** Exit statuses of the command. An interrupted run (Ctrl-C) has 128 plus the signal's number, as shells expect. */
export const exitStatus = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Error of the command line: exit status 2. Messages have the form `expected X, got Y. Remedy.` */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Error of the work: exit status 1. Messages have the form `expected X, got Y. Remedy.` */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Interruption by Ctrl-C with a message about the finished part: exit status 130. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** Messages by the system's error codes. `place('at')` is ` at 'x'`, or empty if the system does not name a path. */
const fileErrors: Readonly<Record<string, (place: (preposition: string) => string) => string>> = {
  ENOENT: (place) => `expected a file or folder${place('at')}, got none. Check the path.`,
  EACCES: (place) => `expected access${place('to')}, got permission denied. Check its permissions.`,
  EPERM: (place) => `expected access${place('to')}, got permission denied. Check its permissions.`,
  EISDIR: (place) => `expected a file${place('at')}, got a folder. Check the path.`,
  ENOTDIR: (place) => `expected only folders on the path${place('to')}, got a file. Check the path.`,
  EEXIST: (place) => `expected a folder or nothing${place('at')}, got a file. Choose another path.`,
  ENOTEMPTY: (place) =>
    `expected an empty folder or nothing${place('at')}, got a folder with files. Choose another path.`,
  ENAMETOOLONG: (place) =>
    `expected a name that fits the file system${place('at')}, got a name that is too long. Shorten it.`,
  ELOOP: (place) => `expected symbolic links without a loop${place('at')}, got a loop. Choose another path.`,
  EROFS: (place) => `expected a writable file system${place('for')}, got a read-only one. Choose another path.`,
  EDQUOT: (place) =>
    `expected free disk space${place('for')}, got a full quota. Free some space or choose another disk.`,
  ENOSPC: (place) =>
    `expected free disk space${place('for')}, got a full disk. Free some space or choose another disk.`,
  EFBIG: (place) =>
    `expected a file system for files of this size${place('at')}, got a smaller limit. Choose another disk.`,
  EIO: (place) => `expected a working disk${place('for')}, got an input/output error. Check the disk.`,
};

/** Error codes whose messages are useful without a path. */
const ofDisks: ReadonlySet<string> = new Set(['EDQUOT', 'ENOSPC', 'EFBIG', 'EIO', 'EROFS']);

/**
 * Describes an error of the file system in the form of our messages; undefined for other errors.
 * @param path The path that the user gave, if the error is about it.
 */
export function describeFileError(error: unknown, path?: string): string | undefined {
  const { code } = Object(error) as NodeJS.ErrnoException;
  if (code === undefined || !Object.hasOwn(fileErrors, code)) return undefined;
  if (path === undefined && !ofDisks.has(code)) return undefined;
  return fileErrors[code]?.((preposition) =>
    path === undefined ? '' : `${preposition && ' '}${preposition} '${path}'`,
  );
}

/** Describes an error in one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Files are written under a temporary name and then moved: the user knows only the destination.
  const { path: source, dest, code, syscall } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const place = dest ?? source;
  const known =
    code === 'ENOENT' && syscall === 'mkdir'
      ? `expected a path where the folder '${place}' can be made, got a missing or read-only parent. Choose another path.`
      : describeFileError(error, place);
  const message = known ?? error.message;
  // The message of an unexpected error names the way to learn more.
  const expectedOne = known || isDparError(error) || error instanceof UsageError || error instanceof CommandError;
  const line = (message || error.name).replaceAll(/\s*\n\s*/g, ' ').trim();
  return expectedOne ? line : `${line} (run again with --debug for the stack trace)`;
}
