import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { checkWhole, refuse } from './error.js';

/** Which elements of a head form a pair. */
export interface PairOptions {
  /**
   * Pair i is elements (2i, 2i + 1) if `interleaved` (default; LlamaGen, DPAR, RoFormer), or (i, i + headDim / 2) if
   * `half-split` (GPT-NeoX, Llama in transformers).
   */
  readonly pairs?: 'interleaved' | 'half-split';
}

/** Kinds of {@link PairOptions}. */
export const pairOptionsKinds: KindsOf<PairOptions> = { 'pairs?': "'interleaved' | 'half-split'" };

/** Options of {@link applyRotary}. */
export interface ApplyRotaryOptions extends PairOptions {
  /** Heads H of each position. Default: 1. */
  readonly heads?: number;
  /** Rotate back. Undoes a rotation, except at class positions whose rows are zero. */
  readonly inverse?: boolean;
  /** Array for the result, of the size of x; may be x itself. Default: a new one. */
  readonly out?: Float32Array;
}

const applyRotaryOptionsKinds: KindsOf<ApplyRotaryOptions> = {
  'heads?': 'number',
  'inverse?': 'boolean',
  'out?': 'Float32Array',
  'pairs?': "'interleaved' | 'half-split'",
};

/**
 * Rotates queries or keys: pair (a, b) becomes (a cos - b sin, a sin + b cos), the same in each head.
 *
 * @param x [..., positions, H, headDim]
 * @param table [positions, headDim / 2, 2], used for each of the leading axes of x; or with B before it, the first
 * leading axis of x being B then.
 * @returns As x.
 * @throws RopeError if the sizes do not go together, or 'pairs' has no such name.
 */
export function applyRotary(
  x: Float32Array,
  table: { readonly shape: readonly number[]; readonly data: Float32Array },
  options: ApplyRotaryOptions = {},
): Float32Array {
  checkArguments(
    'applyRotary',
    { x, table, options },
    {
      x: 'Float32Array',
      table: { shape: 'number[]', data: 'Float32Array', '*': 'any' },
      'options?': applyRotaryOptionsKinds,
    },
  );

  const { heads = 1, pairs = 'interleaved', inverse = false, out = new Float32Array(x.length) } = options;
  const { shape, data } = table;
  const half = shape.at(-2) ?? 0; // pairs of a head
  const headDim = 2 * half;
  const width = heads * headDim;
  checkWhole('applyRotary', 'heads', heads, 1);
  checkPairs('applyRotary', pairs);
  checkTable('applyRotary', table);
  const entries = data.length / headDim; // positions, or B positions
  if (data.length === 0 ? x.length > 0 : x.length % (entries * width) !== 0) {
    const expected = `x [..., ${[...shape.slice(0, -2), heads, headDim].join(', ')}]`;
    refuse('applyRotary', expected, `${x.length} numbers`, "Check 'heads' and the table's positions.");
  }
  if (out.length !== x.length) refuse('applyRotary', `'out' of ${x.length} numbers`, out.length, 'Allocate as x.');

  const [step, apart] = pairs === 'interleaved' ? [2, 1] : [1, half]; // between pairs, within a pair
  const sign = inverse ? -1 : 1;
  // Positions [b, ..., p] with a table [b, p]: the axes between repeat the table of b.
  const perTable = shape.at(-3) ?? 1;
  const tables = Math.max(1, entries / perTable);
  const repeats = x.length / (tables * perTable * width || 1);
  for (let at = 0, row = 0; at < x.length; at += width, row++) {
    const entry = Math.floor(row / (perTable * repeats)) * perTable + (row % perTable);
    for (let start = at; start < at + width; start += headDim) {
      for (let i = 0; i < half; i++) {
        const cos = data[entry * headDim + 2 * i] as number;
        const sin = sign * (data[entry * headDim + 2 * i + 1] as number);
        const first = start + i * step;
        const a = x[first] as number;
        const b = x[first + apart] as number;
        out[first] = a * cos - b * sin;
        out[first + apart] = a * sin + b * cos;
      }
    }
  }
  return out;
}

/** Refuses another name than those of {@link PairOptions}. */
export function checkPairs(where: string, pairs: string): void {
  if (pairs === 'interleaved' || pairs === 'half-split') return;
  refuse(where, "'pairs' to be interleaved or half-split", pairs, "Check 'pairs'.");
}

/** Refuses a table whose data do not fit its shape [..., positions, headDim / 2, 2]. */
export function checkTable(
  where: string,
  { shape, data }: { readonly shape: readonly number[]; readonly data: Float32Array },
): void {
  if (shape.at(-1) === 2 && shape.reduce((size, axis) => size * axis, 1) === data.length) return;
  const remedy = 'Pass data and shape that belong together.';
  refuse(where, 'a table [..., positions, headDim / 2, 2]', `[${shape.join(', ')}]`, remedy);
}
