import type { KindsOf } from '@dpar/check';
import { checkWhole, refuse } from './error.js';
import { type Coordinate, layoutOf, type Part, type RotaryEmbedding } from './layout.js';

/** Rotary table: (cos, sin) of the angle of each pair at each position. It is also a host tensor of `@dpar/tensor`. */
export interface RotaryTable {
  readonly dtype: 'float32';
  /** [1 or B, positions, headDim / 2, 2] */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

/** Options of all tables. */
export interface RotaryTableOptions {
  /** Size of a head d. */
  readonly headDim: number;
  /** Base of the frequencies. Default: 10000. */
  readonly base?: number;
  /**
   * Positions of class (or start) tokens, before all others. Default: 0 for sequences and grids, 1 for patches, whose models
   * begin with a class token.
   */
  readonly clsTokens?: number;
  /**
   * Rows of class positions. `zero` (default) is (0, 0) as in LlamaGen and DPAR: queries and keys vanish there. `identity`
   * is (1, 0), no rotation.
   */
  readonly clsRotation?: 'zero' | 'identity';
  /** Number of positions to return, including class positions. Default: all. */
  readonly positions?: number;
  /** Array to fill and return as the table's data, of the same size. Default: a new one. */
  readonly out?: Float32Array;
}

/** Kinds of {@link RotaryTableOptions}. */
export const rotaryTableOptionsKinds: KindsOf<RotaryTableOptions> = {
  headDim: 'number',
  'base?': 'number',
  'clsTokens?': 'number',
  'clsRotation?': "'zero' | 'identity'",
  'positions?': 'number',
  'out?': 'Float32Array',
};

/** Coordinates of one image's positions, without class positions. All are whole numbers >= 0. */
export type Coordinates = Partial<Readonly<Record<Coordinate, Int32Array>>>;

/** Builds a table [images, positions, headDim / 2, 2]. Each image has `available` positions besides class positions. */
export function buildTable(
  where: string,
  embedding: RotaryEmbedding,
  images: readonly Coordinates[],
  available: number,
  options: RotaryTableOptions,
): RotaryTable {
  const { headDim, base = 10000, clsTokens = 0, clsRotation = 'zero' } = options;
  const layout = layoutOf(where, embedding, headDim);
  checkWhole(where, 'clsTokens', clsTokens, 0);
  if (!(base > 0 && base < Infinity)) refuse(where, "'base' to be a number above 0", base, "Check 'base'.");
  const positions = options.positions ?? clsTokens + available;
  checkWhole(where, 'positions', positions, 0);
  if (positions > clsTokens + available) {
    refuse(where, `at most ${clsTokens + available} positions`, positions, "Lower 'positions' or leave it out.");
  }
  const size = images.length * positions * headDim;
  const data = options.out ?? new Float32Array(size);
  if (data.length !== size) {
    refuse(
      where,
      `'out' of ${size} numbers`,
      data.length,
      `The table is [${images.length}, ${positions}, ${headDim / 2}, 2].`,
    );
  }

  const cls = Math.min(clsTokens, positions);
  for (let image = 0; image < images.length; image++) {
    const start = image * positions * headDim;
    for (let k = 0; k < cls * headDim; k++) data[start + k] = clsRotation === 'identity' && k % 2 === 0 ? 1 : 0;
  }
  let column = 0; // first column of the part
  for (const part of layout) {
    fillPart(data, column, part, images, { base, headDim, positions, cls });
    column += 2 * part.pairs;
  }
  return { dtype: 'float32', shape: [images.length, positions, headDim / 2, 2], data };
}

interface Geometry {
  readonly base: number;
  readonly headDim: number;
  readonly positions: number;
  readonly cls: number;
}

/** Fills one part of all rows except class positions. Coordinates repeat, so the rotations of each are computed once. */
function fillPart(
  data: Float32Array,
  column: number,
  { coordinate, pairs }: Part,
  images: readonly Coordinates[],
  { base, headDim, positions, cls }: Geometry,
): void {
  const width = 2 * pairs;
  const known: Float32Array[] = [];
  images.forEach((coordinates, image) => {
    const values = coordinates[coordinate] ?? new Int32Array(positions);
    for (let p = cls; p < positions; p++) {
      const value = values[p - cls] as number;
      let rotations = known[value];
      if (rotations === undefined) {
        rotations = rotationsBy(value, pairs, base);
        known[value] = rotations;
      }
      const start = (image * positions + p) * headDim + column;
      for (let k = 0; k < width; k++) data[start + k] = rotations[k] as number;
    }
  });
}

/** (cos, sin) of value base^(-i / pairs) for i = 0 .. pairs - 1: [pairs, 2]. */
function rotationsBy(value: number, pairs: number, base: number): Float32Array {
  const rotations = new Float32Array(2 * pairs);
  for (let i = 0; i < pairs; i++) {
    const angle = value * base ** (-i / pairs);
    rotations[2 * i] = Math.cos(angle);
    rotations[2 * i + 1] = Math.sin(angle);
  }
  return rotations;
}
