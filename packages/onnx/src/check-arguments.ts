import { type CheckArguments, createCheck } from '@dpar/check';
import { DparError } from '@dpar/tensor';

/** Refuses arguments of public functions that are missing or of another kind, and unknown options. @throws DparError */
export const checkArguments: CheckArguments = /* @__PURE__ */ createCheck(DparError);
