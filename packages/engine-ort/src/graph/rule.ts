import {
  type AttributesOf,
  type HostTensor,
  type InputsOf,
  inferType,
  type Primitive,
  type Shape,
  type TensorType,
} from '@dpar/tensor';
import type { DynamicSizes } from './dynamic-sizes.js';
import type { GraphNode } from './node.js';

/** Makes nodes: the part of the tracer that rules use. */
export interface NodeMaker {
  /** Open sizes, whose placeholders are in the types. */
  readonly dynamic: DynamicSizes;
  constant(value: HostTensor, name?: string): GraphNode;
  apply<P extends Primitive>(
    primitive: P,
    inputs: readonly GraphNode[],
    attributes: AttributesOf<P>,
    output: TensorType,
  ): GraphNode;
}

/** Application of a primitive that is about to become a node. */
export interface Application<P extends Primitive> {
  readonly tracer: NodeMaker;
  readonly inputs: InputsOf<P, GraphNode>;
  readonly attributes: AttributesOf<P>;
  readonly output: TensorType;
}

/** Returns a cheaper node of the same value, or undefined if the rule does not apply. */
export type Simplification<P extends Primitive> = (application: Application<P>) => GraphNode | undefined;

/** Rule of each primitive that has one. */
export type Rules = { readonly [P in Primitive]?: Simplification<P> };

/** Tries rules in order. The first that applies decides. */
export function firstOf<P extends Primitive>(...rules: readonly Simplification<P>[]): Simplification<P> {
  return (application) => {
    for (const rule of rules) {
      const found = rule(application);
      if (found) return found;
    }
    return undefined;
  };
}

/** Applies a primitive in place of another application. */
export function apply<P extends Primitive>(
  tracer: NodeMaker,
  primitive: P,
  inputs: readonly GraphNode[],
  attributes: AttributesOf<P>,
): GraphNode {
  const types = inputs.map((input) => input.type);
  return tracer.apply(primitive, inputs, attributes, inferType(primitive, types, attributes));
}

/** x in another shape. */
export function reshape(tracer: NodeMaker, x: GraphNode, shape: Shape): GraphNode {
  return apply(tracer, 'reshape', [x], { shape });
}
