import type { KindsOf } from '@dpar/check';
import type { TensorFunction } from './ops.js';
import type { AttributesOf, Primitive } from './primitives.js';
import type { HostTensor, Tensors, TensorType } from './types.js';

/**
 * Implementation of the tensor interface over its own tensor handle T. `createOps` turns it into the `Ops<T>` that models
 * are written in, and checks shapes and types before it calls `apply`.
 */
export interface Backend<T> {
  /** Shape and element type, which are always known, even while tracing. */
  typeOf(x: T): TensorType;
  /** Tensor of known value. The data must not change afterwards. */
  constant(value: HostTensor): T;
  /** {@link Ops.range}, for backends with sizes that are unknown while tracing. */
  range?(size: number): T;
  /** Applies a primitive to inputs that fit. `output` is the type inferred by the shape rule. */
  apply<P extends Primitive>(primitive: P, inputs: readonly T[], attributes: AttributesOf<P>, output: TensorType): T;
  /** {@link Ops.recompute}, for backends that do more than call the function. */
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
