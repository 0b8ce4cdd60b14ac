import { type KindsOf, listOf } from '@dpar/check';
import { densePatches, longestPatch, type PaddedPatches } from '@dpar/patchify';
import { patchTable, type RotaryTable, sequenceTable } from '@dpar/rope';
import { DparError, formatType, type HostTensor, int32, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds } from './config.js';
import type { DparInputs } from './dpar.js';
import { patchingOptions } from './patching-options.js';

function tableOptions(config: DparConfig) {
  return {
    embedding: config.embeddingType === null ? ('1d' as const) : config.embeddingType,
    headDim: config.dim / config.nHead,
    base: config.ropeBase,
    gridWidth: Math.sqrt(config.blockSize),
  };
}

/**
 * Rotary table of the global transformer for a batch: the class position, then patches 0..M - 2.
 * @param patchLengths [B, M], padded with zeros
 * @returns [B, M, headDim / 2, 2]
 * @throws RopeError for patches that do not fit the grid, or an invalid headDim.
 */
export function globalRotaryTable(config: DparConfig, patchLengths: PaddedPatches): RotaryTable {
  checkArguments(
    'globalRotaryTable',
    { config, patchLengths },
    { config: dparConfigKinds, patchLengths: { dtype: "'int32'", shape: 'number[]', data: 'Int32Array', '*': 'any' } },
  );

  return patchTable(patchLengths, { ...tableOptions(config), positions: patchLengths.shape[1] ?? 0 });
}

/** Place of a patch in its image: its number, its first token and its length in tokens. */
export interface PatchPlace {
  readonly index: number;
  readonly start: number;
  readonly length: number;
}

const patchPlaceKinds: KindsOf<PatchPlace> = { index: 'number', start: 'number', length: 'number', '*': 'any' };

/**
 * Rotary angles of {@link globalRotaryTable} for single patches: [patches, headDim / 2, 2].
 *
 * @throws RopeError for patches that do not fit the grid.
 */
export function patchRotaryRows(config: DparConfig, places: readonly PatchPlace[]): Float32Array {
  checkArguments('patchRotaryRows', { config, places }, { config: dparConfigKinds, places: listOf(patchPlaceKinds) });

  const options = { ...tableOptions(config), clsTokens: 0 };
  if (options.embedding === '1d') {
    const length = places.reduce((most, { index }) => Math.max(most, index + 1), 0);
    const { headDim, base } = options;
    const { data } = sequenceTable({ headDim, base, length });
    const rows = new Float32Array(places.length * headDim);
    places.forEach(({ index }, i) => {
      rows.set(data.subarray(index * headDim, (index + 1) * headDim), i * headDim);
    });
    return rows;
  }
  const starts = places.map(({ start }) => start);
  const ends = places.map(({ start, length }) => start + length - 1);
  return patchTable({ starts, ends }, options).data;
}

/** Slots P that the patches of a configuration need. */
export function patchSlots(config: DparConfig): number {
  checkArguments('patchSlots', { config }, { config: dparConfigKinds });

  return longestPatch(config.blockSize, patchingOptions(config));
}

/**
 * Inputs of a DPAR model for a batch, from tokens, labels and patch lengths.
 * @param tokens int32 [B, T]
 * @param labels int32 [B]; `numClasses` is the null class
 * @param patchLengths [B, M] over all predicted tokens (T, or T + 1 with an end-of-image token), padded with zeros
 * @param slots Slots P a patch; by default what the configuration's patching needs.
 * @throws DparError if the sizes differ; PatchifyError for lengths that do not fit.
 */
export function dparInputs(
  config: DparConfig,
  tokens: HostTensor,
  labels: HostTensor,
  patchLengths: PaddedPatches,
  slots?: number,
): DparInputs<HostTensor> & Tensors<HostTensor> {
  checkArguments(
    'dparInputs',
    { config, tokens, labels, patchLengths, slots },
    {
      config: dparConfigKinds,
      tokens: 'HostTensor',
      labels: 'HostTensor',
      patchLengths: { dtype: "'int32'", shape: 'number[]', data: 'Int32Array', '*': 'any' },
      'slots?': 'number',
    },
  );

  const [B = 0, T = 0] = tokens.shape;
  const [rows, M = 0] = patchLengths.shape;
  if (tokens.dtype !== 'int32' || tokens.shape.length !== 2 || T !== config.blockSize) {
    throw new DparError(
      `dparInputs: expected tokens int32[B, ${config.blockSize}], got ${formatType(tokens)}. Pass tokens of whole images.`,
    );
  }
  if (labels.dtype !== 'int32' || ![1, 2].includes(labels.shape.length) || labels.shape[0] !== B || rows !== B) {
    throw new DparError(
      `dparInputs: expected labels int32[${B}] or int32[${B}, W] and patch lengths [${B}, M], got ${formatType(labels)} ` +
        `and [${rows}, ${M}]. Pass one label and one row of lengths for each image.`,
    );
  }
  return {
    tokens,
    labels: int32(labels.shape, labels.data),
    globalTable: globalRotaryTable(config, patchLengths),
    ...densePatches(patchLengths, { tokens: T + (config.predictEoiToken ? 1 : 0), slots: slots ?? patchSlots(config) }),
  };
}
