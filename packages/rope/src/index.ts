export { type ApplyRotaryOptions, applyRotary, type PairOptions } from './apply.js';
export { type CosSin, cosSin } from './cos-sin.js';
export { RopeError } from './error.js';
export { gridTable, sequenceTable } from './grid.js';
export { type Coordinate, type Part, type RotaryEmbedding, rotaryLayout } from './layout.js';
export { type PatchLengthBatch, type PatchSpanList, type PatchTableOptions, patchTable } from './patches.js';
export { type RotaryOps, rotate } from './rotary.js';
export type { RotaryTable, RotaryTableOptions } from './table.js';
