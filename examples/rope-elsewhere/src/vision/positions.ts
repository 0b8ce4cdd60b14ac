import { gridTable, patchTable, type RotaryEmbedding, type RotaryTable } from '@dpar/rope';
import type { Batch } from './batch.js';

/** Kind of position of a token. */
export type PositionKind = 'learned' | '2d' | 'dynamic_3d' | 'dynamic_4d';

/** Positions of the tokens of a batch, as the transformer takes them. */
export type Positions =
  /** [1 or B, P, headDim / 2, 2], rotates queries and keys. */
  | { readonly kind: 'rotary'; readonly table: RotaryTable }
  /** [B, P, trained positions]: the weight of each learned position in that of a token. */
  | { readonly kind: 'learned'; readonly weights: Float32Array };

/** Size of a grid in patches. */
export interface Grid {
  readonly gridHeight: number;
  readonly gridWidth: number;
}

/** Rotary tables of a batch, straight from its patch lengths. */
export function rotaryTable(batch: Batch, embedding: RotaryEmbedding, headDim: number): RotaryTable {
  const { shape, lengths, gridHeight, gridWidth } = batch;
  // Frequencies of 1 down to about 1/100: pictures are some tens of patches wide.
  const options = { headDim, clsTokens: 0, base: 100 };
  // Nothing merged: all pictures share one table.
  if (embedding === '2d' && shape[1] === gridHeight * gridWidth)
    return gridTable({ ...options, gridHeight, gridWidth });
  return patchTable({ shape, data: lengths }, { ...options, embedding, gridWidth });
}

/**
 * Learned positions, one for each patch of the pictures of training. A token has the position of its first patch. In a
 * picture of another size the trained grid is stretched over it, with bilinear weights, as is usual in vision
 * transformers.
 */
export function learnedWeights({ shape: [B, P], lengths, ...grid }: Batch, trained: Grid): Float32Array {
  const G = trained.gridHeight * trained.gridWidth;
  const weights = new Float32Array(B * P * G);
  for (let b = 0; b < B; b++) {
    let patch = 0;
    for (let p = 0; p < P; p++) {
      const length = lengths[b * P + p] as number;
      if (length === 0) continue;
      const rows = stretch(Math.floor(patch / grid.gridWidth), grid.gridHeight, trained.gridHeight);
      const columns = stretch(patch % grid.gridWidth, grid.gridWidth, trained.gridWidth);
      for (const [row, rowWeight] of rows) {
        for (const [column, columnWeight] of columns) {
          const at = (b * P + p) * G + row * trained.gridWidth + column;
          weights[at] = (weights[at] as number) + rowWeight * columnWeight;
        }
      }
      patch += length;
    }
  }
  return weights;
}

/** The neighbours of a coordinate among `to` ones, where `from` lie evenly over the same length, and their weights. */
function stretch(coordinate: number, from: number, to: number): [number, number][] {
  const place = Math.min(Math.max(((coordinate + 0.5) * to) / from - 0.5, 0), to - 1);
  const low = Math.floor(place);
  const share = place - low;
  return [
    [low, 1 - share],
    [Math.min(low + 1, to - 1), share],
  ];
}
