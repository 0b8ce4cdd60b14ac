import type { KindsOf } from '@dpar/check';
import type { Json, ModelKind } from '@dpar/nn';
import { checkArguments } from './check-arguments.js';
import type { DparConfig, LlamaGenConfig } from './config.js';

/** Sizes of a DPAR model and of the LlamaGen model that it is compared with. */
export interface Preset {
  readonly dim: number;
  readonly nHead: number;
  /** Local encoder, global transformer, local decoder. */
  readonly nLocalEncoderLayers: number;
  readonly nLayer: number;
  /** Blocks of the local decoder. */
  readonly nLocalDecoderLayers: number;
  /** Blocks of the LlamaGen model of that size. */
  readonly llamaGenLayers: number;
}

const presetKinds: KindsOf<Preset> = {
  dim: 'number',
  nHead: 'number',
  nLocalEncoderLayers: 'number',
  nLayer: 'number',
  nLocalDecoderLayers: 'number',
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

/** Name of a preset. */
export type PresetName = keyof typeof presets;

/** Settings beside the size. Defaults are the paper's for ImageNet at 256 px. */
export interface PresetOptions {
  /** Tokens in a row and in a column of the grid (default 16). */
  readonly gridSize?: number;
  readonly vocabSize?: number;
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

/** DPAR and LlamaGen on 16x16 tokens downsample an image by this factor. */
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
 * The DPAR configuration of a size, with the paper's patching: Dynamic RoPE, patches of at most 4 tokens.
 *
 * @throws DparError if `size` is none, such as a name alone.
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

/** The LlamaGen configuration of a size. @throws DparError if `size` is none, such as a name alone. */
export function llamaGenPreset(size: Preset, options: PresetOptions = {}): LlamaGenConfig {
  checkArguments('llamaGenPreset', { size, options }, { size: presetKinds, 'options?': presetOptionsKinds });

  return { ...shared(size, options), nLayer: size.llamaGenLayers };
}

/** All sizes as presets of a kind of model; the grid's size follows from `block_size` of the settings. */
export function presetsOf(configOf: (size: Preset, options: PresetOptions) => Json): ModelKind['presets'] {
  return Object.fromEntries(
    Object.entries(presets).map(([name, size]) => [
      name,
      ({ block_size: T }: Json) => configOf(size, typeof T === 'number' ? { gridSize: Math.sqrt(T) } : {}),
    ]),
  );
}
