import { type CheckArguments, createCheck } from '@dpar/check';
import { IoError } from '@dpar/io';

/** Refuses arguments of public functions that are missing or of another kind, and unknown options. @throws IoError */
export const checkArguments: CheckArguments = /* @__PURE__ */ createCheck(IoError);
