import { mainGrid, type Settings, type Variant } from '../settings.js';

/** How large a model is and how long it is trained: what decides on the time that this takes. */
export interface TrainingSize {
  readonly dim: number;
  /** Layers that run over all tokens. */
  readonly tokenLayers: number;
  /** Layers that run over patches. */
  readonly patchLayers: number;
  /** Of an image. */
  readonly tokens: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly validationImages: number;
}

type Size = 'whole' | 'half';

/** An entropy model of a grid: that of the main grid has settings of its own. */
export function entropySize(settings: Settings, grid: number, size: Size): TrainingSize {
  const { entropy, halfEntropy, grids } = settings;
  const { dim, nLayer } = size === 'half' ? halfEntropy : entropy;
  const other = grid === mainGrid ? undefined : grids.find((settings) => settings.size === grid);
  return {
    ...{ dim, tokenLayers: nLayer, patchLayers: 0, tokens: grid ** 2 },
    steps: other?.entropySteps ?? entropy.steps,
    batchSize: other?.batchSize ?? entropy.batchSize,
    validationImages: validationImages(settings),
  };
}

export function dparSize(settings: Settings, variant: Variant, grid: number): TrainingSize {
  const { dim, nLayer } = settings.model;
  return {
    ...{ dim, tokenLayers: variant.encoderLayers + variant.decoderLayers, patchLayers: nLayer, tokens: grid ** 2 },
    ...stepsAt(settings, grid),
    validationImages: validationImages(settings),
  };
}

/** A LlamaGen of as many layers as DPAR has in all, as the paper compares them. */
export function llamaGenSize(settings: Settings, variant: Variant, grid: number): TrainingSize {
  const { tokenLayers, patchLayers, ...size } = dparSize(settings, variant, grid);
  return { ...size, tokenLayers: tokenLayers + patchLayers, patchLayers: 0 };
}

/** About how many emoji are read. */
export const emojiCount = ({ emoji = 3781 }: Settings): number => emoji;

const validationImages = (settings: Settings): number => Math.round(emojiCount(settings) / 19.5);

function stepsAt({ training, grids }: Settings, grid: number): { steps: number; batchSize: number } {
  const { steps, batchSize } = (grid === mainGrid ? undefined : grids.find(({ size }) => size === grid)) ?? training;
  return { steps, batchSize };
}
