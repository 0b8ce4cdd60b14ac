import type { Layers } from './dpar-stages.js';

/**
 * The tokens of the patch that each image is in: encoder states, kept until the patch ends. B images, P slots, E encoder
 * layers.
 */
export class OpenPatches {
  /** Tokens so far, [B]. */
  readonly counts: Int32Array;
  /** Position of the first token, [B]. */
  readonly starts: Int32Array;
  private readonly states: Float32Array[];

  constructor(
    batch: number,
    layers: number,
    private readonly slots: number,
    private readonly dim: number,
  ) {
    this.counts = new Int32Array(batch);
    this.starts = new Int32Array(batch);
    this.states = Array.from({ length: layers }, () => new Float32Array(batch * slots * dim));
  }

  /** Adds a token's encoder states, one array [B, D] per layer, to the patch of each image. */
  add(states: Layers): void {
    const { dim, slots } = this;
    for (let image = 0; image < this.counts.length; image++) {
      const slot = image * slots + (this.counts[image] as number);
      states.forEach((layer, e) => {
        (this.states[e] as Float32Array).set(layer.subarray(image * dim, (image + 1) * dim), slot * dim);
      });
      (this.counts[image] as number)++;
    }
  }

  /** The patches of some images: states [R, P, D] per layer and which slots hold a token [R, P]. */
  select(images: ArrayLike<number>): { states: Float32Array[]; slotMask: Uint8Array } {
    const { slots } = this;
    const size = slots * this.dim;
    const slotMask = new Uint8Array(images.length * slots);
    const states = this.states.map((layer) => {
      const selected = new Float32Array(images.length * size);
      for (let i = 0; i < images.length; i++) {
        const image = images[i] as number;
        selected.set(layer.subarray(image * size, (image + 1) * size), i * size);
      }
      return selected;
    });
    for (let i = 0; i < images.length; i++) {
      slotMask.fill(1, i * slots, i * slots + (this.counts[images[i] as number] as number));
    }
    return { states, slotMask };
  }

  /** Begins a new patch of one image at a position. */
  restart(image: number, position: number): void {
    const size = this.slots * this.dim;
    for (const layer of this.states) layer.fill(0, image * size, (image + 1) * size);
    this.counts[image] = 0;
    this.starts[image] = position;
  }
}
