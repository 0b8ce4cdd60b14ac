import type { RoundedSet } from './rounded-set.js';

/** Candidates of a row beyond k that are kept before the list is pruned. */
const spare = 16;

/**
 * Finds the distance of each row of a set to its k-th nearest other row, from bounds of all distances. It keeps the
 * candidates of each row, and computes exact distances only if the bounds do not decide.
 */
export class NearestRows {
  /** Upper bound of the squared distance to each row's k-th nearest other row. */
  readonly limits: Float64Array;
  readonly #capacity: number;
  readonly #counts: Int32Array;
  /** Candidates of each row: `capacity` slots per row. */
  readonly #others: Int32Array;
  /** Lower bounds of their squared distances, */
  readonly #lowest: Float64Array;
  /** and upper bounds. */
  readonly #highest: Float64Array;

  constructor(
    private readonly set: RoundedSet,
    private readonly k: number,
  ) {
    const { rows } = set.matrix;
    this.limits = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
    this.#capacity = k + spare;
    this.#counts = new Int32Array(rows);
    this.#others = new Int32Array(rows * this.#capacity);
    this.#lowest = new Float64Array(rows * this.#capacity);
    this.#highest = new Float64Array(rows * this.#capacity);
  }

  /** Adds `other` to the candidates of `row` if it may be near enough. `lowest` bounds their squared distance from below. */
  offer(row: number, other: number, lowest: number): void {
    const limit = this.limits[row] as number;
    if (lowest >= limit || limit === 0) return;
    const count = this.#counts[row] as number;
    const place = row * this.#capacity + count;
    const { slack } = this.set;
    this.#others[place] = other;
    this.#lowest[place] = lowest;
    this.#highest[place] = lowest + (slack[row] as number) + (slack[other] as number);
    this.#counts[row] = count + 1;
    if (count + 1 < this.#capacity) return;
    this.#prune(row);
    // If the bounds cannot separate similar distances, pruning frees no room.
    if ((this.#counts[row] as number) > this.k + spare / 2) this.#measure(row);
  }

  /** Squared distance of each row to its k-th nearest other row. Every pair must have been offered to both its rows. */
  radii(): Float64Array {
    for (let row = 0; row < this.limits.length; row++) {
      this.#prune(row);
      this.#measure(row);
    }
    return this.limits;
  }

  /** Drops candidates that are further away than k others. */
  #prune(row: number): void {
    const first = row * this.#capacity;
    const end = first + (this.#counts[row] as number);
    if (end - first < this.k) return;
    const limit = this.#highest.slice(first, end).sort()[this.k - 1] as number;
    if (limit < (this.limits[row] as number)) this.limits[row] = limit;
    let kept = first;
    for (let place = first; place < end; place++) {
      if ((this.#lowest[place] as number) > (this.limits[row] as number)) continue;
      this.#others[kept] = this.#others[place] as number;
      this.#lowest[kept] = this.#lowest[place] as number;
      this.#highest[kept] = this.#highest[place] as number;
      kept++;
    }
    this.#counts[row] = kept - first;
  }

  /** Keeps the k nearest candidates, with their exact distances. */
  #measure(row: number): void {
    const first = row * this.#capacity;
    const others = [...this.#others.subarray(first, first + (this.#counts[row] as number))];
    const exact = others.map((other) => ({ other, square: this.set.squaredDistance(row, this.set, other) }));
    exact.sort((a, b) => a.square - b.square);
    const nearest = exact.slice(0, this.k);
    nearest.forEach(({ other, square }, i) => {
      this.#others[first + i] = other;
      this.#lowest[first + i] = square;
      this.#highest[first + i] = square;
    });
    this.#counts[row] = nearest.length;
    this.limits[row] = nearest.at(-1)?.square ?? Number.POSITIVE_INFINITY;
  }
}
