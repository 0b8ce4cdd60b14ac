import type { KindsOf } from '@dpar/check';
import type { TensorFunction } from './ops.js';
import type { AttributesOf, Primitive } from './primitives.js';
import type { HostTensor, Tensors, TensorType } from './types.js';

/**
 * What an implementation of the tensor interface provides, in terms of its own tensor handle T. `createOps` turns it
 * into the `Ops<T>` that models are written in, and checks shapes and types before `apply` is called.
 */
export interface Backend<T> {
  /** Shape and element type; always known, also while tracing. */
  typeOf(x: T): TensorType;
  /** A tensor whose value is known now. The data must not be changed afterwards. */
  constant(value: HostTensor): T;
  /** What {@link Ops.range} gives, where sizes may be unknown while tracing. */
  range?(size: number): T;
  /** Applies a primitive to inputs that fit; `output` is the type that the shape rule gave. */
  apply<P extends Primitive>(primitive: P, inputs: readonly T[], attributes: AttributesOf<P>, output: TensorType): T;
  /** What {@link Ops.recompute} does, where it is more than calling the function. */
  recompute?(fn: TensorFunction, inputs: Tensors<T>): Tensors<T>;
}

/** Kinds of {@link Backend}. */
export const backendKinds: KindsOf<Backend<object>> = {
  typeOf: 'function',
  constant: 'function',
  'range?': 'function',
  apply: 'function',
  'recompute?': 'function',
  '*': 'any',
};
