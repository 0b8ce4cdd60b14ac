export type { ModelPart, ModelParts, PartKind, PartName } from './model-parts.js';
