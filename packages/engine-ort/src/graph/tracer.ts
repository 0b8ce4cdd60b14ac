import type { AttributesOf, Backend, HostTensor, Primitive, TensorType } from '@dpar/tensor';
import { ConstantPool } from './constants.js';
import { DynamicSizes } from './dynamic-sizes.js';
import type { GraphNode, OperationNode } from './node.js';
import type { NodeMaker } from './simplification.js';
import { simplify } from './simplify.js';

/**
 * A backend that computes nothing and notes what is to be computed. Equal applications and equal constants become one
 * node, and what has no effect (a reshape to the same shape, a product with 1) none at all.
 */
export class Tracer implements Backend<GraphNode>, NodeMaker {
  private count = 0;
  private readonly constants = new ConstantPool<GraphNode>();
  private readonly operations = new Map<string, GraphNode>();

  /**
   * @param dynamic The open sizes whose placeholders are in the types.
   * @param forProcessor See {@link NodeMaker.forProcessor}.
   */
  constructor(
    readonly dynamic: DynamicSizes = new DynamicSizes(),
    readonly forProcessor = false,
  ) {}

  typeOf(x: GraphNode): TensorType {
    return x.type;
  }

  /** A tensor that comes from outside. */
  input(name: string, type: TensorType): GraphNode {
    return { kind: 'input', id: this.count++, type: { dtype: type.dtype, shape: type.shape }, name };
  }

  constant(value: HostTensor, name?: string): GraphNode {
    return this.constants.get(value, () => ({
      kind: 'constant',
      id: this.count++,
      type: { dtype: value.dtype, shape: value.shape },
      value,
      name,
    }));
  }

  range(size: number): GraphNode {
    if (!this.dynamic.isOpen(size)) {
      return this.constant({ dtype: 'int32', shape: [size], data: Int32Array.from({ length: size }, (_, i) => i) });
    }
    const key = `range ${size}`;
    const node = this.operations.get(key) ?? {
      kind: 'range',
      id: this.count++,
      type: { dtype: 'int32', shape: [size] },
    };
    this.operations.set(key, node);
    return node;
  }

  apply<P extends Primitive>(
    primitive: P,
    inputs: readonly GraphNode[],
    attributes: AttributesOf<P>,
    output: TensorType,
  ): GraphNode {
    return (
      simplify(this, primitive, inputs, attributes, output) ?? this.operation(primitive, inputs, attributes, output)
    );
  }

  private operation<P extends Primitive>(
    primitive: P,
    inputs: readonly GraphNode[],
    attributes: AttributesOf<P>,
    type: TensorType,
  ): GraphNode {
    const key = `${primitive} ${inputs.map((input) => input.id).join(' ')} ${JSON.stringify(attributes)}`;
    const found = this.operations.get(key);
    if (found) return found;
    const node = { kind: 'operation', id: this.count++, type, primitive, inputs, attributes } as OperationNode;
    this.operations.set(key, node);
    return node;
  }
}
