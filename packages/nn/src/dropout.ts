import type { KindsOf } from '@dpar/check';
import type { Ops, Shape } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { linear } from './linear.js';

/** Dropout of some activations. */
export interface Dropout<T> {
  /** bool, of the activations' shape: which are kept. */
  readonly keep: T;
  /** Factor on what is kept: 1 / (1 - p), so that the mean stays. */
  readonly scale: number;
}

/** Kinds of {@link Dropout}. */
export const dropoutKinds: KindsOf<Dropout<object>> = { keep: 'Tensor', scale: 'number', '*': 'any' };

/** Which activations a dropout is for, as LlamaGen tells them apart. */
export type DropoutKind = 'token' | 'residual' | 'feedForward';

/** A place in a model where training may drop activations. */
export interface DropoutPlace {
  /** Of the layer whose result is dropped, such as `layers.3.attention`: no other place of the model has it. */
  readonly name: string;
  readonly kind: DropoutKind;
  /** Shape of the activations. */
  readonly shape: Shape;
}

/** Dropout (Srivastava et al., 2014): zeros where an activation is not kept, x unchanged if there is no dropout. */
export function dropout<T>(ops: Ops<T>, x: T, what: Dropout<T> | undefined): T {
  checkArguments('dropout', { ops, x, what }, { ops: 'Ops', x: 'Tensor', 'what?': dropoutKinds });

  return what === undefined ? x : ops.mul(ops.select(what.keep, x, 0), what.scale);
}

/** Dropout of what a linear layer gives: `linear(weight, x)`, whose product takes in the factor. */
export function linearWithDropout<T>(ops: Ops<T>, weight: T, x: T, what: Dropout<T> | undefined): T {
  checkArguments(
    'linearWithDropout',
    { ops, weight, x, what },
    { ops: 'Ops', weight: 'Tensor', x: 'Tensor', 'what?': dropoutKinds },
  );

  return what === undefined ? linear(ops, weight, x) : ops.select(what.keep, linear(ops, weight, x, what.scale), 0);
}
