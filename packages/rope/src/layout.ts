import { checkArguments } from './check-arguments.js';
import { refuse } from './error.js';

/**
 * Encoding of positions; d is headDim. Each part of a table row rotates c pairs by one coordinate v, at the angles
 * v base^(-i/c), i = 0 .. c - 1.
 * - `1d`: index of the position, c = d/2 (RoFormer, https://arxiv.org/abs/2104.09864)
 * - `2d`: row x, column y, c = d/4 each (eq. S1 of DPAR, https://arxiv.org/abs/2512.21867); for a patch, of its first token
 * - `dynamic_3d`: Dynamic RoPE without redundancy: row, c = d/4; first column, last column of the patch, c = d/8 each
 * - `dynamic_4d`: Dynamic RoPE (eq. S2): row, c = d/4; first, last, last, first column, c = d/16 each
 */
export type RotaryEmbedding = '1d' | '2d' | 'dynamic_3d' | 'dynamic_4d';

/** Coordinate that rotates a part of a row: an index, or a place of the patch (or token) in the image. */
export type Coordinate = 'index' | 'row' | 'column' | 'lastColumn';

/** Part of a table row: `pairs` pairs rotated by one coordinate. */
export interface Part {
  readonly coordinate: Coordinate;
  /** Number of pairs that are rotated. */
  readonly pairs: number;
}

/** Coordinate of each part, and the divisor of headDim that gives its number of pairs. */
const parts: Readonly<Record<RotaryEmbedding, readonly (readonly [Coordinate, number])[]>> = {
  '1d': [['index', 2]],
  '2d': [
    ['row', 4],
    ['column', 4],
  ],
  dynamic_3d: [
    ['row', 4],
    ['column', 8],
    ['lastColumn', 8],
  ],
  dynamic_4d: [
    ['row', 4],
    ['column', 16],
    ['lastColumn', 16],
    ['lastColumn', 16],
    ['column', 16],
  ],
};

/** Parts of a row, in order. Their pairs sum to headDim / 2. Refuses a headDim that does not divide into them. */
export function layoutOf(where: string, embedding: RotaryEmbedding, headDim: number): Part[] {
  const shares = Object.hasOwn(parts, embedding) ? parts[embedding] : undefined;
  if (shares === undefined) {
    return refuse(where, `'embedding' to be one of ${Object.keys(parts).join(', ')}`, embedding, "Check 'embedding'.");
  }
  const divisor = Math.max(...shares.map(([, share]) => share));
  if (!Number.isInteger(headDim) || headDim < divisor || headDim % divisor !== 0) {
    const split = shares.map(([coordinate, share]) => `headDim/${share} by ${coordinate}`).join(', ');
    refuse(
      where,
      `a headDim that is a multiple of ${divisor}, as '${embedding}' rotates pairs in parts (${split})`,
      headDim,
      'Change the width, the number of heads or the embedding.',
    );
  }
  return shares.map(([coordinate, share]) => ({ coordinate, pairs: headDim / share }));
}

/**
 * The parts of a row of a rotary table, in order: the coordinate that rotates each part, and its number of pairs.
 *
 * @throws RopeError for an unknown embedding, or a headDim that does not divide into its parts.
 */
export function rotaryLayout(embedding: RotaryEmbedding, headDim: number): Part[] {
  checkArguments(
    'rotaryLayout',
    { embedding, headDim },
    { embedding: "'1d' | '2d' | 'dynamic_3d' | 'dynamic_4d'", headDim: 'number' },
  );
  return layoutOf('rotaryLayout', embedding, headDim);
}
