const marker = Symbol.for('dpar.error');

/**
 * What this package throws: an argument or an option that it refuses. Messages read
 * `function: expected X, got Y. What to do.` It has the marker of the `DparError` of `@dpar/tensor`, so
 * that `isDparError` recognises it, without a dependency on that package.
 */
export class ReportError extends Error {
  override readonly name = 'ReportError';
  readonly [marker] = true;
}
