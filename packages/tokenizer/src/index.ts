export { createTokenizer, type TokenizerModel, tokenizerGraphs } from './create-tokenizer.js';
export { tokenizerKinds } from './kinds.js';
export { type PatchVqConfig, patchWidthOf } from './patch-vq/config.js';
export { type FitCodebookOptions, fitCodebook } from './patch-vq/fit-codebook.js';
export { initializePatchVq, patchesOfImages, patchVqLoss, patchVqTrainable } from './patch-vq/model.js';
export { patchVqKind } from './patch-vq/tokenizer.js';
export { bytesFromImages, imagesFromBytes, peakSignalToNoiseRatio } from './pixels.js';
export type { ImageTokenizer, TokenizerConfig, TokenizerKind, TokenizerOptions } from './tokenizer-kind.js';
export {
  type DiscriminatorConfig,
  discriminate,
  discriminatorSpecs,
  isDiscriminatorParameter,
} from './training/discriminator.js';
export {
  type AdversarialLoss,
  type PerceptualDistance,
  type TokenizerGradients,
  type TokenizerLoss,
  tokenizerGradients,
  validationTerms,
} from './training/gradients.js';
export {
  defaultLossWeights,
  type TokenizerArchitecture,
  type TokenizerLossWeights,
  trainingOf,
} from './training/losses.js';
export { type PerceptualNetwork, perceptualLoss } from './training/perceptual-loss.js';
export { structuralSimilarity } from './training/similarity.js';
export type { Quantized, TokenizerTraining } from './training/training-kind.js';
export { codebookName } from './vq/codebook.js';
export { type VqConfig, vqPresets } from './vq/config.js';
export { vqKind } from './vq/tokenizer.js';
