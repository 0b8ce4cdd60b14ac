import type { KindsOf } from '@dpar/check';
import { argumentKinds, type Json, type ModelKind } from '@dpar/nn';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparFields, type LlamaGenConfig } from './config.js';

/** Sizes of a DPAR model and of the LlamaGen model that it is compared with. */
export interface Preset
  extends Pick<DparConfig, 'dim' | 'nHead' | 'nLocalEncoderLayers' | 'nLayer' | 'nLocalDecoderLayers'> {
  /** Blocks of the LlamaGen model of that size. */
  readonly llamaGenLayers: number;
}

const { dim, nHead, nLocalEncoderLayers, nLayer, nLocalDecoderLayers } = dparFields;

const presetKinds = {
  ...argumentKinds({ dim, nHead, nLocalEncoderLayers, nLayer, nLocalDecoderLayers }),
  llamaGenLayers: 'number',
  '*': 'any',
};

function preset(dim: number, nHead: number, E: number, G: number, D: number, llamaGenLayers: number): Preset {
  return { dim, nHead, nLocalEncoderLayers: E, nLayer: G, nLocalDecoderLayers: D, llamaGenLayers };
}

/** The paper's sizes, its ablations of L (Table S2; E1D4 is L itself), and small ones that train on a CPU. */
export const presets = {
  nano: preset(128, 2, 1, 2, 1, 4),
  micro: preset(192, 3, 1, 3, 2, 6),
  mini: preset(256, 4, 1, 6, 3, 10),
  B: preset(768, 12, 1, 8, 3, 12),
  L: preset(1024, 16, 1, 19, 4, 24),
  'L-E2D3': preset(1024, 16, 2, 19, 3, 24),
  'L-E3D2': preset(1024, 16, 3, 19, 2, 24),
  'L-E4D1': preset(1024, 16, 4, 19, 1, 24),
  XL: preset(1280, 20, 1, 30, 5, 36),
  XXL: preset(1536, 24, 1, 41, 6, 48),
  XXXL: preset(2560, 40, 1, 41, 6, 48),
} as const satisfies Record<string, Preset>;

/** Name of one of the {@link presets}. */
export type PresetName = keyof typeof presets;

/** Settings other than the size. Defaults are the paper's for ImageNet at 256 px. */
export interface PresetOptions {
  /** Tokens in a row and in a column of the grid (default 16). */
  readonly gridSize?: number;
  /** Codes of the tokenizer V (default 16384). */
  readonly vocabSize?: number;
  /** Number of classes (default 1000). */
  readonly numClasses?: number;
  /** Feed-forward widths are multiples of this (default 256). */
  readonly multipleOf?: number;
}

const presetOptionsKinds: KindsOf<PresetOptions> = {
  'gridSize?': 'number',
  'vocabSize?': 'number',
  'numClasses?': 'number',
  'multipleOf?': 'number',
};

/** Pixels of an image in both directions for each token of DPAR and LlamaGen. */
export const pixelsPerToken = 16;

/** Thresholds in nats by grid size (Table S9, whose columns 'Plen' and 'Threshold' are exchanged). */
const thresholds: Readonly<Record<number, number>> = { 8: 7.6, 16: 7.8, 24: 7.9, 32: 8.1 };

function shared(size: Preset, options: PresetOptions) {
  const { dim, nHead } = size;
  const { gridSize = 16, vocabSize = 16384, numClasses = 1000, multipleOf = 256 } = options;
  return {
    dim,
    nHead,
    multipleOf,
    vocabSize,
    blockSize: gridSize * gridSize,
    numClasses,
    ropeBase: 10000,
    normEps: 1e-5,
    clsTokenNum: 1,
  };
}

/**
 * DPAR configuration of a size, with Dynamic RoPE and the paper's patching: patches of at most 4 tokens.
 *
 * @throws DparError if `size` is not a preset's value, such as its name.
 */
export function dparPreset(size: Preset, options: PresetOptions = {}): DparConfig {
  checkArguments('dparPreset', { size, options }, { size: presetKinds, 'options?': presetOptionsKinds });

  const gridSize = options.gridSize ?? 16;
  return {
    ...shared(size, options),
    nLayer: size.nLayer,
    nLocalEncoderLayers: size.nLocalEncoderLayers,
    nLocalDecoderLayers: size.nLocalDecoderLayers,
    embeddingType: 'dynamic_4d',
    encoderBlockCausal: false,
    predictEoiToken: false,
    patching: {
      mode: 'entropy_row_boundary',
      threshold: thresholds[gridSize] ?? 7.8,
      maxPatchLength: 4,
      rowLength: gridSize,
    },
  };
}

/** LlamaGen configuration of a size. @throws DparError if `size` is not a preset's value, such as its name. */
export function llamaGenPreset(size: Preset, options: PresetOptions = {}): LlamaGenConfig {
  checkArguments('llamaGenPreset', { size, options }, { size: presetKinds, 'options?': presetOptionsKinds });

  return { ...shared(size, options), nLayer: size.llamaGenLayers };
}

/** All sizes as presets of a kind of model. The size of the grid follows from `block_size` of the settings. */
export function presetsOf(configOf: (size: Preset, options: PresetOptions) => Json): ModelKind['presets'] {
  return Object.fromEntries(
    Object.entries(presets).map(([name, size]) => [
      name,
      ({ block_size: T }: Json) => configOf(size, typeof T === 'number' ? { gridSize: Math.sqrt(T) } : {}),
    ]),
  );
}
