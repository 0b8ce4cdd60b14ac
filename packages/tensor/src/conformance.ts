export type { Tolerance } from './conformance/case.js';
export { type ConformanceCase, conformanceCases } from './conformance/cases.js';
export { checkCase } from './conformance/check.js';
export { findMismatch } from './conformance/compare.js';
export { shaderCases } from './conformance/shaders.js';
