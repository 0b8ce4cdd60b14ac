import type { HostTensor, Tensors } from '@dpar/tensor';

/** A model's configuration and weights. */
export interface ModelWeights<C> {
  readonly config: C;
  /** By official name, float32. */
  readonly parameters: Tensors<HostTensor>;
}
