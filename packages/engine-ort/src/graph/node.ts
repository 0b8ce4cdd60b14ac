import type { AttributesOf, HostTensor, InputsOf, Primitive, TensorType } from '@dpar/tensor';

interface NodeBase {
  /** Number in the order of creation. Inputs of a node have smaller numbers than the node. */
  readonly id: number;
  readonly type: TensorType;
}

/** Input of the traced function. */
export interface InputNode extends NodeBase {
  readonly kind: 'input';
  readonly name: string;
}

/** Tensor whose value is known while tracing. */
export interface ConstantNode extends NodeBase {
  readonly kind: 'constant';
  readonly value: HostTensor;
  /** Name for readers of the graph. */
  readonly name: string | undefined;
}

/** 0, 1, ..., size - 1 as int32 [size], for an open size. */
export interface RangeNode extends NodeBase {
  readonly kind: 'range';
}

/** Application of the primitive `P`. */
export interface OperationOf<P extends Primitive> extends NodeBase {
  readonly kind: 'operation';
  readonly primitive: P;
  readonly inputs: InputsOf<P, GraphNode>;
  readonly attributes: AttributesOf<P>;
}

/** Application of any primitive, which `primitive` names. */
export type OperationNode = { [P in Primitive]: OperationOf<P> }[Primitive];

/** Tensor of a traced function: the tracer's tensor handle. */
export type GraphNode = InputNode | ConstantNode | RangeNode | OperationNode;

/** True for an application of the given primitive. */
export function isOperation<P extends Primitive>(
  node: GraphNode,
  primitive: P,
): node is OperationNode & OperationOf<P> {
  return node.kind === 'operation' && node.primitive === primitive;
}

/** Number that all elements of a node are known to be: a constant of one element, or its broadcast. */
export function knownScalar(node: GraphNode): number | undefined {
  if (node.kind === 'constant') return node.value.data.length === 1 ? node.value.data[0] : undefined;
  const [source] = node.kind === 'operation' && node.primitive === 'broadcast' ? node.inputs : [];
  return source && knownScalar(source);
}

/** The given nodes and all that they depend on, inputs first. */
export function reachable(outputs: Iterable<GraphNode>): GraphNode[] {
  const found = new Set<GraphNode>(outputs);
  // The loop over a set also visits what is added to it on the way.
  for (const node of found) if (node.kind === 'operation') for (const input of node.inputs) found.add(input);
  return [...found].sort((a, b) => a.id - b.id);
}
