import type { KindsOf } from '@dpar/check';
import type { HostTensor, Tensors } from '@dpar/tensor';

/** A model's configuration and weights. */
export interface ModelWeights<C> {
  readonly config: C;
  /** By official name, float32. */
  readonly parameters: Tensors<HostTensor>;
}

/** Kinds of {@link ModelWeights}. */
export const modelWeightsKinds: KindsOf<ModelWeights<object>> = { config: 'unknown', parameters: 'object', '*': 'any' };
