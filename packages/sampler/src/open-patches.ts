/** Finished patches of R sequences. P slots, E encoder layers. */
export interface FinishedPatches {
  /** Cache rows [R] of the sequences whose patch ended. */
  readonly rows: Int32Array;
  /** Encoder states of the patch's tokens, [R, E, P, D]. */
  readonly states: Float32Array;
  /** bool [R, P] */
  readonly slotMask: Uint8Array;
  /** Rotary angles of each patch, [R, headDim]. */
  readonly table: Float32Array;
}

/** Sizes of {@link OpenPatches}. */
export interface OpenPatchesSize {
  /** Images B. */
  readonly batch: number;
  /** Encoder layers E. */
  readonly layers: number;
  /** Slots P. */
  readonly slots: number;
  /** Width D. */
  readonly dim: number;
}

/** Encoder states of the tokens in each image's open patch, kept until the patch ends. */
export class OpenPatches {
  /** Tokens of each open patch, [B]. */
  readonly counts: Int32Array;
  /** Position of its first token, [B]. */
  readonly starts: Int32Array;
  /** [B, E, P, D] */
  private readonly states: Float32Array;

  constructor(private readonly size: OpenPatchesSize) {
    const { batch, layers, slots, dim } = size;
    this.counts = new Int32Array(batch);
    this.starts = new Int32Array(batch);
    this.states = new Float32Array(batch * layers * slots * dim);
  }

  /** Adds a token's encoder states [B, E, D] to the patch of each image. */
  add(states: Float32Array): void {
    const { batch, layers, slots, dim } = this.size;
    for (let image = 0; image < batch; image++) {
      const slot = this.counts[image] as number;
      for (let layer = 0; layer < layers; layer++) {
        const from = (image * layers + layer) * dim;
        this.states.set(states.subarray(from, from + dim), ((image * layers + layer) * slots + slot) * dim);
      }
      this.counts[image] = slot + 1;
    }
  }

  /** Patches of some images: states [R, E, P, D] and a mask of the slots that hold a token [R, P]. */
  select(images: ArrayLike<number>): Pick<FinishedPatches, 'states' | 'slotMask'> {
    const { layers, slots, dim } = this.size;
    const length = layers * slots * dim;
    const slotMask = new Uint8Array(images.length * slots);
    const states = new Float32Array(images.length * length);
    for (let i = 0; i < images.length; i++) {
      const image = images[i] as number;
      states.set(this.states.subarray(image * length, (image + 1) * length), i * length);
      slotMask.fill(1, i * slots, i * slots + (this.counts[image] as number));
    }
    return { states, slotMask };
  }

  /** Begins a new patch of one image at a position. */
  restart(image: number, position: number): void {
    const { layers, slots, dim } = this.size;
    const length = layers * slots * dim;
    this.states.fill(0, image * length, (image + 1) * length);
    this.counts[image] = 0;
    this.starts[image] = position;
  }
}
