const marker = Symbol.for('dpar.error');

/**
 * What this package throws: an option, a head size or an array that it refuses. Messages read
 * `function: expected X, got Y. What to do.` It has the name and the marker of the `DparError` of `@dpar/tensor`, so
 * that `isDparError` recognises it, without a dependency on that package.
 */
export class RopeError extends Error {
  override readonly name = 'DparError';
  readonly [marker] = true;
}

/** Refuses a value: throws a {@link RopeError}. */
export function refuse(where: string, expected: string, got: unknown, remedy: string): never {
  throw new RopeError(`${where}: expected ${expected}, got ${got}. ${remedy}`);
}

/** Refuses what is not a whole number of at least `minimum`. */
export function checkWhole(where: string, name: string, value: number, minimum: number): void {
  if (!Number.isInteger(value) || value < minimum) {
    refuse(where, `'${name}' to be a whole number >= ${minimum}`, value, `Check '${name}'.`);
  }
}
