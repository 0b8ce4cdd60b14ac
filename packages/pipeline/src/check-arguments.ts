import { type CheckArguments, createCheck } from '@dpar/check';
import { DparError } from '@dpar/tensor';

/** Rejects missing and invalid arguments of public functions, and unknown options. @throws DparError */
export const checkArguments: CheckArguments = /* @__PURE__ */ createCheck(DparError);
