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

const fileErrors: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `expected a file or folder at '${path}', got none. Check the path.`,
  EACCES: (path) => `expected access to '${path}', got a refusal. Check its permissions.`,
  EPERM: (path) => `expected access to '${path}', got a refusal. Check its permissions.`,
  EISDIR: (path) => `expected a file at '${path}', got a folder. Check the path.`,
  ENOTDIR: (path) => `expected folders on the way to '${path}', got a file. Check the path.`,
  EROFS: (path) => `expected to write '${path}', got a read-only file system. Choose another path.`,
  EDQUOT: (path) => `expected room on the disk for '${path}', got a full quota. Free some or choose another disk.`,
  ENOSPC: (path) => `expected room on the disk for '${path}', got none left. Free some or choose another disk.`,
};

/** One line that says what went wrong. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Where a file was to be moved to is the place that the user named.
  const { code, path: source, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const path = dest ?? source;
  const known = code === undefined ? undefined : fileErrors[code];
  const message = known && path !== undefined ? known(path) : error.message;
  // What nobody foresaw says at least how to learn more.
  const expectedOne = known || isDparError(error) || error instanceof UsageError || error instanceof CommandError;
  const line = (message || error.name).replaceAll(/\s*\n\s*/g, ' ').trim();
  return expectedOne ? line : `${line} (run again with --debug for the stack trace)`;
}
