const marker = Symbol.for('dpar.error');

/**
 * Error of this package, for invalid or missing files and arguments. Messages read `function: expected X, got Y. Remedy.` It
 * has the marker of `DparError` of `@dpar/tensor`, so `isDparError` recognises it without a dependency on that
 * package.
 */
export class IoError extends Error {
  override readonly name = 'IoError';
  readonly [marker] = true;
}

/** Code of an error of the system, such as `ENOENT`. Undefined for other errors. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
