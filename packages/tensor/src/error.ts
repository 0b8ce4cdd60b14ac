const marker = Symbol.for('dpar.error');

/**
 * Error of the DPAR packages. Messages read `function: expected X, got Y. What to do.` A global symbol marks it, so that
 * {@link isDparError} recognises it across copies of a package.
 */
export class DparError extends Error {
  override readonly name = 'DparError';
  readonly [marker] = true;
}

/**
 * True for a {@link DparError}, including one of another copy of this package, and for the errors of packages that stand
 * alone (`RopeError`, `PatchifyError`, `IoError`, `ReportError`).
 */
export function isDparError(value: unknown): value is DparError {
  return typeof value === 'object' && value !== null && marker in value;
}
