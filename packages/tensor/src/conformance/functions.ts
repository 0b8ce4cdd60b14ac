import { valueAndGradients } from '../gradients/tape.js';
import type { Ops, TensorFunction } from '../ops.js';
import type { AttributesOf, Primitive } from '../primitives.js';
import { named, type Tensors } from '../types.js';
import { normal, type PrimitiveCase } from './case.js';

/** Name of an input of a primitive's case: x0, x1, ... */
export function inputName(index: number): string {
  return `x${index}`;
}

/** Applies a primitive to the inputs x0, x1, ... */
export function applicationOf<P extends Primitive>(
  primitive: P,
  { inputs, attributes }: PrimitiveCase<AttributesOf<P>>,
): TensorFunction {
  return (ops, tensors) => {
    const ordered = inputs.map((_, i) => named(tensors, inputName(i)));
    return { y: ops.apply(primitive, ordered, attributes) };
  };
}

/** The sum of all elements of all tensors, each with a fixed weight of its own: a scalar that depends on all of them. */
function weightedSum<T>(ops: Ops<T>, tensors: Tensors<T>): T {
  return Object.values(tensors)
    .map((x, i) => ops.sum(ops.mul(x, ops.constant(normal(ops.shapeOf(x), 100 + i)))))
    .reduce((total, x) => ops.add(total, x));
}

/** The weighted sum of a function's outputs, as the output `loss`. */
export function lossOf(fn: TensorFunction): TensorFunction {
  return (ops, inputs) => ({ loss: weightedSum(ops, fn(ops, inputs)) });
}

/** The gradients of {@link lossOf} a function by some of its inputs, under the names of these inputs. */
export function gradientOf(fn: TensorFunction, by: readonly string[]): TensorFunction {
  return (ops, inputs) => valueAndGradients(ops, lossOf(fn), inputs, { of: 'loss', by }).gradients;
}
