import { type CheckArguments, createCheck } from '@dpar/check';
import { RopeError } from './error.js';

/** Refuses arguments of public functions that are missing or of another kind, and unknown options. @throws RopeError */
export const checkArguments: CheckArguments = /* @__PURE__ */ createCheck(RopeError);
