import type { HostTensor, HostTensorOf, Random } from '@dpar/tensor';
import type { Moments } from '../optimizer/adamw.js';

/** Tensors with one row for each code: the codebook and its moving average. */
type Books = readonly HostTensor[];

/**
 * Use of the codes of a codebook, and the revival of those that are not used. A dead code takes the place of a state of the current
 * batch that is far from its own code (Dhariwal et al. 2020, arXiv:2005.00341, restart codes at random states; the distance is that
 * of the start of k-means++, so that no two go to the same place).
 */
export class CodeUsage {
  /** Last step at which each code was used, or 0: float32 [K]. */
  readonly usedAt: HostTensorOf<'float32'>;

  /** @param size Number of codes, K. */
  constructor(readonly size: number) {
    this.usedAt = { dtype: 'float32', shape: [size], data: new Float32Array(size) };
  }

  /** Notes the codes of a step. */
  note(codes: ArrayLike<number>, step: number): void {
    for (let i = 0; i < codes.length; i++) this.usedAt.data[codes[i] as number] = step;
  }

  /** Number of codes that were used since a step. */
  usedSince(step: number): number {
    return this.usedAt.data.reduce((count, used) => count + (used > step ? 1 : 0), 0);
  }

  /** Codes that were not used since a step. */
  deadSince(step: number): number[] {
    return Array.from(this.usedAt.data.keys()).filter((code) => (this.usedAt.data[code] as number) <= step);
  }

  /**
   * Moves dead codes to states.
   * @param books Codebook [K, D], and its average.
   * @param moments Moments of the codebook, whose rows become zero.
   * @param states [n, D], and the code of each.
   */
  revive(
    dead: readonly number[],
    books: Books,
    moments: Moments | undefined,
    states: HostTensor,
    codes: ArrayLike<number>,
    step: number,
    random: Random,
  ): void {
    const D = states.shape.at(-1) ?? 1;
    const chosen = farStates(
      states.data as Float32Array,
      codes,
      books[0]?.data as Float32Array,
      D,
      dead.length,
      random,
    );
    for (const [i, row] of chosen.entries()) {
      const code = dead[i] as number;
      const state = states.data.subarray(row * D, (row + 1) * D) as Float32Array;
      for (const book of books) (book.data as Float32Array).set(state, code * D);
      for (const part of moments ? [moments.first, moments.second] : []) part.fill(0, code * D, (code + 1) * D);
      this.usedAt.data[code] = step;
    }
  }
}

/** Draws states without repetition, each with the probability of its squared distance from its code. */
function farStates(
  states: Float32Array,
  codes: ArrayLike<number>,
  book: Float32Array,
  D: number,
  count: number,
  random: Random,
): number[] {
  const n = states.length / D;
  const uniform = random.fillUniform(new Float32Array(n));
  // Weighted sampling without replacement: the largest of u^(1 / weight), Efraimidis and Spirakis 2006, in logarithms.
  const keys = Float64Array.from({ length: n }, (_, i) => {
    let distance = 0;
    for (let d = 0; d < D; d++) {
      distance += ((states[i * D + d] as number) - (book[(codes[i] as number) * D + d] as number)) ** 2;
    }
    return Math.log(Math.max(uniform[i] as number, 1e-12)) / Math.max(distance, 1e-12);
  });
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => (keys[b] as number) - (keys[a] as number));
  return order.slice(0, Math.min(count, n));
}

/** Draws rows of states [n, D] as a first codebook [K, D]. Rows repeat where there are fewer states than codes. */
export function drawnCodebook({ shape, data }: HostTensor, K: number, random: Random): HostTensorOf<'float32'> {
  const D = shape.at(-1) ?? 1;
  const n = data.length / D;
  const rows = random.permutation(n);
  const book = new Float32Array(K * D);
  for (let code = 0; code < K; code++) {
    const row = rows[code % n] as number;
    book.set(data.subarray(row * D, (row + 1) * D) as Float32Array, code * D);
  }
  return { dtype: 'float32', shape: [K, D], data: book };
}
