const marker = Symbol.for('dpar.error');

/**
 * Error of this package, for invalid arguments. Messages read `function: expected X, got Y. Remedy.` It has the
 * marker of `DparError` of `@dpar/tensor`, so `isDparError` recognises it without a dependency on that package.
 */
export class ReportError extends Error {
  override readonly name = 'ReportError';
  readonly [marker] = true;
}
