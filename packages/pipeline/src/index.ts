export type { LoadProgress, PipelineOptions } from './assemble.js';
export type { ClassChoice } from './class-choice.js';
export { ImageDecoder } from './decoder.js';
export type { DrawOptions, OnTokens } from './draw-options.js';
export { EntropyMap, type EntropyMapContent } from './entropy-map.js';
export { fetchPipeline } from './fetch-pipeline.js';
export {
  countImages,
  Grid,
  type GridLayout,
  type GridPicture,
  gridColumns,
  gridLayout,
  imageAt,
  pngOf,
  type SquareImages,
} from './grid.js';
export type { ImageInput, RawImage } from './image-input.js';
export { Images, type ImagesContent } from './images.js';
export type { ModelPart, ModelParts, PartKind, PartName } from './model-parts.js';
export type {
  CompleteOptions,
  DrawingStep,
  EntropyMapOptions,
  Pipeline,
  ReconstructOptions,
} from './pipeline.js';
export type { PixelData } from './pixel-data.js';
