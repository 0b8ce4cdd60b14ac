export type { Tolerance } from './conformance/case.js';
export { type ConformanceCase, conformanceCases, shaderCases } from './conformance/cases.js';
export { checkCase, findMismatch } from './conformance/check.js';
export { usableEngine } from './conformance/usable.js';
export { doublePrecisionOps } from './reference/ops.js';
