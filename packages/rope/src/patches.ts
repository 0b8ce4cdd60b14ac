import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { checkWhole, refuse } from './error.js';
import type { RotaryEmbedding } from './layout.js';
import {
  buildTable,
  type Coordinates,
  type RotaryTable,
  type RotaryTableOptions,
  rotaryTableOptionsKinds,
} from './table.js';

/** Patch lengths of B images, padded with zeros on the right. */
export interface PatchLengthBatch {
  /** [B, M] */
  readonly shape: readonly number[];
  /** Tokens of each patch, row-major. */
  readonly data: ArrayLike<number>;
}

const patchLengthBatchKinds: KindsOf<PatchLengthBatch> = { shape: 'number[]', data: 'number[]', '*': 'any' };

/** First and last token of each patch of one image, or of B images with `shape` [B, M]. */
export interface PatchSpanList {
  /** First token of each patch. */
  readonly starts: ArrayLike<number>;
  /** Last token of each patch (included). */
  readonly ends: ArrayLike<number>;
  readonly shape?: readonly number[];
}

const patchSpanListKinds: KindsOf<PatchSpanList> = {
  starts: 'number[]',
  ends: 'number[]',
  'shape?': 'number[]',
  '*': 'any',
};

/** Options of {@link patchTable}. */
export interface PatchTableOptions extends RotaryTableOptions {
  /** Encoding of positions. `null`, as in the configuration of a model without dynamic embedding, means `1d`. */
  readonly embedding: RotaryEmbedding | null;
  /** Tokens in a row of the image. Not needed for `1d`. */
  readonly gridWidth?: number;
}

const patchTableOptionsKinds: KindsOf<PatchTableOptions> = {
  embedding: "'1d' | '2d' | 'dynamic_3d' | 'dynamic_4d' | null",
  'gridWidth?': 'number',
  ...rotaryTableOptionsKinds,
};

/**
 * Rotary table of patches: Dynamic RoPE and its variants, see {@link RotaryEmbedding}. A patch of the tokens s to e
 * lies in row floor(s / gridWidth), from column s mod gridWidth to column e mod gridWidth. Padded patches (length 0)
 * start at T and end at T - 1 (0 without tokens). Their numbers are then finite, as in the paper authors' code.
 *
 * @param patches Lengths of one image [M] or of a batch [B, M], or spans.
 * @returns [1 or B, clsTokens + M, headDim / 2, 2]
 * @throws RopeError if headDim does not divide into the embedding's parts, a length is negative, or another option is
 * invalid. headDim must be a multiple of 2 for `1d`, 4 for `2d`, 8 for `dynamic_3d`, 16 for `dynamic_4d`.
 */
export function patchTable(
  patches: ArrayLike<number> | PatchLengthBatch | PatchSpanList,
  options: PatchTableOptions,
): RotaryTable {
  checkArguments(
    'patchTable',
    { patches, options },
    { patches: ['number[]', patchLengthBatchKinds, patchSpanListKinds], options: patchTableOptionsKinds },
  );

  const where = 'patchTable';
  const embedding = options.embedding ?? '1d';
  const { starts, ends, shape } = spansOf(patches);
  const [batch = 1, count = 0] = shape;
  if (shape.length !== 2 || starts.length !== batch * count || ends.length !== starts.length) {
    refuse(
      where,
      'as many patches as in the shape [B, M]',
      `${starts.length} for [${shape.join(', ')}]`,
      "Check 'shape'.",
    );
  }
  const gridWidth = options.gridWidth ?? (embedding === '1d' ? 1 : Number.NaN);
  checkWhole(where, 'gridWidth', gridWidth, 1);
  const images = Array.from({ length: batch }, (_, b): Coordinates => {
    const first = Int32Array.from({ length: count }, (_, m) => starts[b * count + m] as number);
    return {
      index: first.map((_, m) => m),
      row: first.map((start) => Math.floor(start / gridWidth)),
      column: first.map((start) => start % gridWidth),
      lastColumn: first.map((_, m) => Math.max(0, ends[b * count + m] as number) % gridWidth),
    };
  });
  return buildTable(where, embedding, images, count, { ...options, clsTokens: options.clsTokens ?? 1 });
}

function spansOf(patches: ArrayLike<number> | PatchLengthBatch | PatchSpanList): Required<PatchSpanList> {
  if ('starts' in patches) {
    const { starts, ends, shape = [1, starts.length] } = patches;
    for (let k = 0; k < starts.length; k++) {
      const [start, end] = [starts[k] as number, ends[k] as number];
      if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start - 1) {
        refuse('patchTable', 'spans of tokens, 0 <= start <= end', `${start} to ${end} at ${k}`, 'Ends are included.');
      }
    }
    return { starts, ends, shape };
  }
  const { shape, data } = 'data' in patches ? patches : { shape: [1, patches.length], data: patches };
  const starts = new Int32Array(data.length);
  const ends = new Int32Array(data.length);
  let token = 0;
  for (let k = 0; k < data.length; k++) {
    if (k % (shape[1] ?? 0) === 0) token = 0; // an image begins
    const length = data[k] as number;
    checkWhole('patchTable', 'patch length', length, 0);
    starts[k] = token;
    token += length;
    ends[k] = token - 1;
  }
  return { starts, ends, shape };
}
