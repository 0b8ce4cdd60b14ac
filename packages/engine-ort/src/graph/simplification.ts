import {
  type AttributesOf,
  type HostTensor,
  inferType,
  type Primitive,
  type Shape,
  type TensorType,
} from '@dpar/tensor';
import type { DynamicSizes } from './dynamic-sizes.js';
import type { GraphNode } from './node.js';

/** What rules need of the tracer: to make other nodes, and to know what the graph is for. */
export interface NodeMaker {
  /** The open sizes whose placeholders are in the types. */
  readonly dynamic: DynamicSizes;
  /**
   * Whether float32 kernels of ONNX Runtime for processors will compute it: what they are slow with is put otherwise.
   */
  readonly forProcessor: boolean;
  constant(value: HostTensor, name?: string): GraphNode;
  apply<P extends Primitive>(
    primitive: P,
    inputs: readonly GraphNode[],
    attributes: AttributesOf<P>,
    output: TensorType,
  ): GraphNode;
}

/** An application of a primitive that is about to become a node. */
export interface Application<P extends Primitive> {
  readonly tracer: NodeMaker;
  readonly inputs: readonly GraphNode[];
  readonly attributes: AttributesOf<P>;
  readonly output: TensorType;
}

/** A node that is equal to an application and needs less, if the rule knows one. */
export type Simplification<P extends Primitive> = (application: Application<P>) => GraphNode | undefined;

/** The first simplification that knows something. */
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

/** Input `index` (the shape rules have checked that it is there). */
export function inputOf(inputs: readonly GraphNode[], index: number): GraphNode {
  return inputs[index] as GraphNode;
}
