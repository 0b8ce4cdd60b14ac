/** Sizes of {@link OpenPatches}. */
export interface OpenPatchesSize {
  /** Images at work at the same time. */
  readonly places: number;
  /** Encoder layers E. */
  readonly layers: number;
  /** Slots P. */
  readonly slots: number;
  /** Width D. */
  readonly dim: number;
}

/** Encoder states of the tokens in the open patch of each place, kept until the patch ends. */
export class OpenPatches {
  /** Tokens of each open patch, [places]. */
  readonly counts: Int32Array;
  /** Position of its first token, [places]. */
  readonly starts: Int32Array;
  /** [places, E, P, D] */
  private readonly states: Float32Array;

  constructor(private readonly size: OpenPatchesSize) {
    const { places, layers, slots, dim } = size;
    this.counts = new Int32Array(places);
    this.starts = new Int32Array(places);
    this.states = new Float32Array(places * layers * slots * dim);
  }

  /** Adds a token's encoder states [E, D] to the patch of a place. */
  add(place: number, states: Float32Array): void {
    const { layers, slots, dim } = this.size;
    const slot = this.counts[place] as number;
    for (let layer = 0; layer < layers; layer++) {
      const to = ((place * layers + layer) * slots + slot) * dim;
      this.states.set(states.subarray(layer * dim, (layer + 1) * dim), to);
    }
    this.counts[place] = slot + 1;
  }

  /** States of the patch of a place, [E, P, D], with zeros in empty slots. They change with the patch. */
  statesOf(place: number): Float32Array {
    const length = this.size.layers * this.size.slots * this.size.dim;
    return this.states.subarray(place * length, (place + 1) * length);
  }

  /** Begins a new patch of a place at a position. */
  restart(place: number, position: number): void {
    this.statesOf(place).fill(0);
    this.counts[place] = 0;
    this.starts[place] = position;
  }
}
