const marker = Symbol.for('dpar.error');

/**
 * The error of this package: a refused file, a value that does not fit, something missing. Messages read
 * `function: expected X, got Y. What to do.` It has the marker of the `DparError` of `@dpar/tensor`, so that
 * `isDparError` recognises it, without a runtime dependency on that package.
 */
export class IoError extends Error {
  override readonly name = 'IoError';
  readonly [marker] = true;
}
