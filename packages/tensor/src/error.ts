const marker = Symbol.for('dpar.error');

/**
 * The one error class of the DPAR packages. Messages read `function: expected X, got Y. What to do.`
 * A symbol from the global registry marks it, so that {@link isDparError} recognises it across copies of a package.
 */
export class DparError extends Error {
  override readonly name = 'DparError';
  readonly [marker] = true;
}

/** Whether `value` is a {@link DparError}, also one that another copy of this package made. */
export function isDparError(value: unknown): value is DparError {
  return typeof value === 'object' && value !== null && marker in value;
}
