import type { KindsOf } from '@dpar/check';
import type { Ops, Shape } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { linear } from './linear.js';

/** Dropout of some activations. */
export interface Dropout<T> {
  /** bool, of the activations' shape: true where an activation is kept. */
  readonly keep: T;
  /** Factor on the activations that are kept: 1 / (1 - p), so that the mean stays. */
  readonly scale: number;
}

/** Kinds of {@link Dropout}. */
export const dropoutKinds: KindsOf<Dropout<object>> = { keep: 'Tensor', scale: 'number', '*': 'any' };

/** Kind of the activations that a dropout applies to, as LlamaGen distinguishes them. */
export type DropoutKind = 'token' | 'residual' | 'feedForward';

/** A place in a model where training may drop activations. */
export interface DropoutPlace {
  /** Unique name of the layer whose result is dropped, such as `layers.3.attention`. */
  readonly name: string;
  readonly kind: DropoutKind;
  /** Shape of the activations. */
  readonly shape: Shape;
}

/** Extras of a training pass. */
export interface Training<T> {
  /** Returns the dropout at a place, if there is one. */
  readonly dropout?: (place: DropoutPlace) => Dropout<T> | undefined;
  /** Tokens to predict, int32 [B, T] (default: those that are read). */
  readonly targets?: T | undefined;
  /** Keeps nothing inside transformer blocks for the backward pass: see `Ops.recompute`. */
  readonly recomputeBlocks?: boolean | undefined;
}

/** Kinds of {@link Training}. */
export const trainingKinds: KindsOf<Training<object>> = {
  'dropout?': 'function',
  'targets?': 'Tensor',
  'recomputeBlocks?': 'boolean',
  '*': 'any',
};

/** Dropout (Srivastava et al., 2014): zeros where an activation is not kept, x unchanged if there is no dropout. */
export function dropout<T>(ops: Ops<T>, x: T, what: Dropout<T> | undefined): T {
  checkArguments('dropout', { ops, x, what }, { ops: 'Ops', x: 'Tensor', 'what?': dropoutKinds });

  return what === undefined ? x : ops.mul(ops.select(what.keep, x, 0), what.scale);
}

/** Dropout of the result of a linear layer. The matrix product applies the factor. */
export function linearWithDropout<T>(ops: Ops<T>, weight: T, x: T, what: Dropout<T> | undefined): T {
  return what === undefined ? linear(ops, weight, x) : ops.select(what.keep, linear(ops, weight, x, what.scale), 0);
}
