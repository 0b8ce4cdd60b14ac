import type { KindsOf } from '@dpar/check';
import type { Dropout, DropoutPlace } from './dropout.js';

/** What a pass does beyond computing the model's function, when it is one of training. */
export interface Training<T> {
  /** The dropout at a place, if there is one. */
  readonly dropout?: (place: DropoutPlace) => Dropout<T> | undefined;
  /** Nothing inside transformer blocks is kept for the backward pass: see `Ops.recompute`. */
  readonly recomputeBlocks?: boolean | undefined;
}

/** Kinds of {@link Training}. */
export const trainingKinds: KindsOf<Training<object>> = {
  'dropout?': 'function',
  'recomputeBlocks?': 'boolean',
  '*': 'any',
};
