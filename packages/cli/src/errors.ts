import { isDparError } from '@dpar/tensor';

/** Exit statuses of the command. An interrupted run (Ctrl-C) ends as a shell expects it: 128 plus the signal's number. */
export const exitStatus = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** The command line was wrong: exit status 2. Messages read `expected X, got Y. What to do.` */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The work failed: exit status 1. Messages read `expected X, got Y. What to do.` */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Ctrl-C came when there was something to say of what is done: exit status 130. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** Messages by the system's codes. `place('at')` is ` at 'x'`, or empty if the system does not name a place. */
const fileErrors: Readonly<Record<string, (place: (preposition: string) => string) => string>> = {
  ENOENT: (place) => `expected a file or folder${place('at')}, got none. Check the path.`,
  EACCES: (place) => `expected access${place('to')}, got permission denied. Check its permissions.`,
  EPERM: (place) => `expected access${place('to')}, got permission denied. Check its permissions.`,
  EISDIR: (place) => `expected a file${place('at')}, got a folder. Check the path.`,
  ENOTDIR: (place) => `expected folders on the way${place('to')}, got a file. Check the path.`,
  EEXIST: (place) => `expected a folder or nothing${place('at')}, got a file. Choose another path.`,
  ENOTEMPTY: (place) =>
    `expected an empty folder or nothing${place('at')}, got a folder with files. Choose another path.`,
  ENAMETOOLONG: (place) =>
    `expected a name that the file system takes${place('at')}, got one that is too long. Shorten it.`,
  ELOOP: (place) => `expected symbolic links that end${place('at')}, got a circle. Choose another path.`,
  EROFS: (place) => `expected to write${place('')}, got a read-only file system. Choose another path.`,
  EDQUOT: (place) => `expected room on the disk${place('for')}, got a full quota. Free some or choose another disk.`,
  ENOSPC: (place) => `expected room on the disk${place('for')}, got none left. Free some or choose another disk.`,
  EFBIG: (place) => `expected a file system for files of this size${place('at')}, got its limit. Choose another disk.`,
  EIO: (place) => `expected to read or write${place('')}, got an error of the disk. Check the disk.`,
};

/** Codes whose messages say enough without a place. */
const ofDisks: ReadonlySet<string> = new Set(['EDQUOT', 'ENOSPC', 'EFBIG', 'EIO', 'EROFS']);

/**
 * What an error of the file system says, in the form of our messages; undefined for other errors.
 * @param path The place that the user named, if the error is about it.
 */
export function describeFileError(error: unknown, path?: string): string | undefined {
  const { code } = Object(error) as NodeJS.ErrnoException;
  if (code === undefined || !Object.hasOwn(fileErrors, code)) return undefined;
  if (path === undefined && !ofDisks.has(code)) return undefined;
  return fileErrors[code]?.((preposition) =>
    path === undefined ? '' : `${preposition && ' '}${preposition} '${path}'`,
  );
}

/** One line that says what went wrong. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Where a file was to be moved to is the place that the user named.
  const { path: source, dest, code, syscall } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const place = dest ?? source;
  const known =
    code === 'ENOENT' && syscall === 'mkdir'
      ? `expected a place for the folder '${place}', got one where none can be made. Choose another path.`
      : describeFileError(error, place);
  const message = known ?? error.message;
  // What nobody foresaw says at least how to learn more.
  const expectedOne = known || isDparError(error) || error instanceof UsageError || error instanceof CommandError;
  const line = (message || error.name).replaceAll(/\s*\n\s*/g, ' ').trim();
  return expectedOne ? line : `${line} (run again with --debug for the stack trace)`;
}
