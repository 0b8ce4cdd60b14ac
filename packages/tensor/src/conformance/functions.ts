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

/** Sum of all elements of all tensors, each with its own fixed weight. */
function weightedSum<T>(ops: Ops<T>, tensors: Tensors<T>): T {
  return Object.values(tensors)
    .map((x, i) => ops.sum(ops.mul(x, ops.constant(normal(ops.shapeOf(x), 100 + i)))))
    .reduce((total, x) => ops.add(total, x));
}

/** Function whose output `loss` is the weighted sum of a function's outputs. */
export function lossOf(fn: TensorFunction): TensorFunction {
  return (ops, inputs) => ({ loss: weightedSum(ops, fn(ops, inputs)) });
}

/** Function of the gradients of {@link lossOf} by some inputs, under the names of these inputs. */
export function gradientOf(fn: TensorFunction, by: readonly string[]): TensorFunction {
  return (ops, inputs) => valueAndGradients(ops, lossOf(fn), inputs, { of: 'loss', by }).gradients;
}
