import { type CheckWhole, createCheckWhole, createRefuse, type Refuse } from '@dpar/check';

const marker = Symbol.for('dpar.error');

/**
 * Error of this package, for invalid arguments. Messages read `function: expected X, got Y. What to do.` It has the marker of
 * the `DparError` of `@dpar/tensor`, so that `isDparError` recognises it without a dependency on that package.
 */
export class PatchifyError extends Error {
  override readonly name = 'PatchifyError';
  readonly [marker] = true;
}

/** Throws a {@link PatchifyError}. */
export const refuse: Refuse = /* @__PURE__ */ createRefuse(PatchifyError);

/** Refuses a value that is not a whole number of at least `minimum`. */
export const checkWhole: CheckWhole = /* @__PURE__ */ createCheckWhole(PatchifyError);
