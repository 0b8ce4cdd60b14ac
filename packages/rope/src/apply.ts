import type { KindsOf } from '@dpar/check';
import { checkArguments } from './check-arguments.js';
import { checkWhole, refuse } from './error.js';

/** Pairing of the elements of a head. */
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
  /** Number of sequences in x: the product of the axes before the positions. Default: the table's B. */
  readonly batch?: number;
  /** Rotates back. It undoes a rotation, except at class positions with rows of zeros. */
  readonly inverse?: boolean;
  /** Array for the result, of the size of x. May be x itself. Default: a new one. */
  readonly out?: Float32Array;
}

const applyRotaryOptionsKinds: KindsOf<ApplyRotaryOptions> = {
  'heads?': 'number',
  'batch?': 'number',
  'inverse?': 'boolean',
  'out?': 'Float32Array',
  ...pairOptionsKinds,
};

/**
 * Rotates queries or keys: pair (a, b) becomes (a cos - b sin, a sin + b cos), the same in each head.
 *
 * @param x [batch, positions, H, headDim], with the positions of the table.
 * @param table [1 or B, positions, headDim / 2, 2]: one table for all sequences of x, or B tables. `batch` is a multiple of
 * B, and the sequences of one table follow each other.
 * @returns [batch, positions, H, headDim]
 * @throws RopeError if the sizes of x and the table do not fit.
 */
export function applyRotary(
  x: ArrayLike<number>,
  table: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  options: ApplyRotaryOptions = {},
): Float32Array {
  checkArguments(
    'applyRotary',
    { x, table, options },
    {
      x: 'number[]',
      table: { shape: 'number[]', data: 'number[]', '*': 'any' },
      'options?': applyRotaryOptionsKinds,
    },
  );

  const { heads = 1, pairs = 'interleaved', inverse = false } = options;
  const { shape, data } = table;
  const half = shape.at(-2) ?? 0; // pairs of a head
  const headDim = 2 * half;
  const width = heads * headDim;
  checkWhole('applyRotary', 'heads', heads, 1);
  checkTable('applyRotary', table);
  const positions = shape.at(-3) ?? 1;
  const tables = shape.slice(0, -3).reduce((product, size) => product * size, 1); // B
  const batch = options.batch ?? tables;
  checkWhole('applyRotary', 'batch', batch, 0);
  if (batch % (tables || 1) !== 0) {
    refuse('applyRotary', `'batch' to be a multiple of the table's ${tables}`, batch, "Check 'batch'.");
  }
  if (x.length !== batch * positions * width) {
    const expected = `x [batch, positions, heads, headDim] = [${batch}, ${positions}, ${heads}, ${headDim}]`;
    const remedy = "Make the table for the positions of x, and set 'batch' to the number of sequences.";
    refuse('applyRotary', `${expected} of ${batch * positions * width} numbers`, x.length, remedy);
  }
  const out = options.out ?? new Float32Array(x.length);
  if (out.length !== x.length) {
    refuse('applyRotary', `'out' of ${x.length} numbers`, out.length, "Make 'out' as long as x.");
  }

  const [step, apart] = pairs === 'interleaved' ? [2, 1] : [1, half]; // between pairs, within a pair
  const sign = inverse ? -1 : 1;
  const perTable = (batch / (tables || 1)) * positions; // rows of x that use the same table
  for (let at = 0, row = 0; at < x.length; at += width, row++) {
    const entry = Math.floor(row / perTable) * positions + (row % positions);
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

/** Refuses a table whose data do not fit the shape [..., positions, headDim / 2, 2]. */
export function checkTable(
  where: string,
  { shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
): void {
  if (shape.at(-1) === 2 && shape.reduce((size, axis) => size * axis, 1) === data.length) return;
  const remedy = 'Pass data and shape that belong together.';
  refuse(where, 'a table [..., positions, headDim / 2, 2]', `[${shape.join(', ')}]`, remedy);
}
