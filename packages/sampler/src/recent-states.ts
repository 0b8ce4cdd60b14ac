/** Sizes of {@link RecentStates}. */
export interface RecentStatesSize {
  /** Images at work at the same time. */
  readonly places: number;
  /** Width D. */
  readonly dim: number;
  /** Distances of the states that are read, to the token after the newest one. */
  readonly distances: readonly number[];
}

/** Encoder states of the newest tokens of each place, which the boundary head reads. */
export class RecentStates {
  /** States that are kept for each place. */
  private readonly kept: number;
  /** Tokens read so far, [places]. */
  private readonly counts: Int32Array;
  /** [places, kept, D], the state of token t in row t mod kept */
  private readonly states: Float32Array;

  constructor(private readonly size: RecentStatesSize) {
    this.kept = Math.max(...size.distances);
    this.counts = new Int32Array(size.places);
    this.states = new Float32Array(size.places * this.kept * size.dim);
  }

  /** Adds the state [D] of the newest token of a place. */
  add(place: number, state: Float32Array): void {
    const count = this.counts[place] as number;
    this.states.set(state, (place * this.kept + (count % this.kept)) * this.size.dim);
    this.counts[place] = count + 1;
  }

  /**
   * States that predict the entropy of the token after the next one to be added, without that one: for all distances but 1,
   * [places.length, distances - 1, D], zeros before the image.
   */
  before(places: ArrayLike<number>): Float32Array {
    const { dim } = this.size;
    const distances = this.size.distances.filter((distance) => distance > 1);
    const result = new Float32Array(places.length * distances.length * dim);
    for (let i = 0; i < places.length; i++) {
      const place = places[i] as number;
      const next = (this.counts[place] as number) + 1;
      distances.forEach((distance, j) => {
        const token = next - distance;
        if (token < 0) return;
        const from = (place * this.kept + (token % this.kept)) * dim;
        result.set(this.states.subarray(from, from + dim), (i * distances.length + j) * dim);
      });
    }
    return result;
  }

  /** Forgets the states of a place. */
  clear(place: number): void {
    this.counts[place] = 0;
  }
}
