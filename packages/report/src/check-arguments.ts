import { type CheckArguments, createCheck } from '@dpar/check';
import { ReportError } from './error.js';

/** Refuses arguments of public functions that are missing or of another kind, and unknown options. @throws ReportError */
export const checkArguments: CheckArguments = /* @__PURE__ */ createCheck(ReportError);
