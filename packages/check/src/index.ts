export { type CheckArguments, createCheck } from './check.js';
export { formatValue } from './format-value.js';
export { type Kind, type KindsOf, listOf, type RecordKind } from './kinds.js';
export { misspelt, nearestName, nearestNames, unknownName } from './nearest-name.js';
export { type CheckWhole, createCheckWhole, createRefuse, type Refuse } from './refuse.js';
