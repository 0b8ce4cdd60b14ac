import type { EntropyRecipe, ModelRecipe } from '../recipes.js';
import { mainGrid, type Settings } from '../settings.js';

/** Size and training length of a model, which determine its training time. */
export interface TrainingSize {
  readonly dim: number;
  /** Layers that run over all tokens. */
  readonly tokenLayers: number;
  /** Layers that run over patches. */
  readonly patchLayers: number;
  /** Tokens of an image. */
  readonly tokens: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly validationImages: number;
}

/** Size of an entropy model. */
export function entropySize(settings: Settings, { grid, size }: EntropyRecipe): TrainingSize {
  const { entropy, halfEntropy } = settings;
  const { dim, nLayer } = size === 'half' ? halfEntropy : entropy;
  const other = otherGrid(settings, grid);
  return {
    dim,
    tokenLayers: nLayer,
    patchLayers: 0,
    tokens: grid ** 2,
    steps: other?.entropySteps ?? entropy.steps,
    batchSize: other?.batchSize ?? entropy.batchSize,
    validationImages: validationImages(settings),
  };
}

/** Size of a DPAR or a LlamaGen. */
export function modelSize(
  settings: Settings,
  { kind, variant, entropy: { grid } }: Pick<ModelRecipe, 'kind' | 'variant' | 'entropy'>,
): TrainingSize {
  const { dim, nLayer } = settings.model;
  const localLayers = variant.encoderLayers + variant.decoderLayers;
  const { steps, batchSize } = otherGrid(settings, grid) ?? settings.training;
  return {
    dim,
    tokenLayers: kind === 'dpar' ? localLayers : localLayers + nLayer,
    patchLayers: kind === 'dpar' ? nLayer : 0,
    tokens: grid ** 2,
    steps,
    batchSize,
    validationImages: validationImages(settings),
  };
}

/** Size of the training of a DPAR's boundary head, which needs only the encoder. The head counts as a layer. */
export function headSize(
  settings: Settings,
  { variant, entropy: { grid } }: Pick<ModelRecipe, 'variant' | 'entropy'>,
): TrainingSize {
  const { steps, batchSize } = settings.head;
  return {
    dim: settings.model.dim,
    tokenLayers: variant.encoderLayers + 1,
    patchLayers: 0,
    tokens: grid ** 2,
    steps,
    batchSize,
    validationImages: validationImages(settings),
  };
}

/** About how many emoji are read. */
export const emojiCount = ({ emoji = 3781 }: Settings): number => emoji;

const validationImages = (settings: Settings): number => Math.round(emojiCount(settings) / 19.5);

/** Settings of a grid other than the main one. */
const otherGrid = ({ grids }: Settings, grid: number) =>
  grid === mainGrid ? undefined : grids.find(({ size }) => size === grid);
