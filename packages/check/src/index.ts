export { type CheckArguments, createCheck } from './check.js';
export { formatValue } from './format-value.js';
export type { Kind, KindsOf, RecordKind } from './kinds.js';
export { nearestName, unknownName } from './nearest-name.js';
