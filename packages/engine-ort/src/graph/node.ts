import type { AttributesOf, HostTensor, Primitive, TensorType } from '@dpar/tensor';

interface NodeBase {
  /** Counts up in the order of creation, so inputs have smaller numbers than what reads them. */
  readonly id: number;
  readonly type: TensorType;
}

/** An input of the traced function. */
export interface InputNode extends NodeBase {
  readonly kind: 'input';
  readonly name: string;
}

/** A tensor that is known while tracing. */
export interface ConstantNode extends NodeBase {
  readonly kind: 'constant';
  readonly value: HostTensor;
  /** A name for readers of the graph. */
  readonly name: string | undefined;
}

/** 0, 1, ..., size - 1 as int32 [size], for a size that is open. */
export interface RangeNode extends NodeBase {
  readonly kind: 'range';
}

/** An application of the primitive `P`. */
export interface OperationOf<P extends Primitive> extends NodeBase {
  readonly kind: 'operation';
  readonly primitive: P;
  readonly inputs: readonly GraphNode[];
  readonly attributes: AttributesOf<P>;
}

/** An application of any primitive; `primitive` tells them apart. */
export type OperationNode = { [P in Primitive]: OperationOf<P> }[Primitive];

/** A tensor of a traced function: the tracer's tensor handle. */
export type GraphNode = InputNode | ConstantNode | RangeNode | OperationNode;

/** Whether a node applies the given primitive. */
export function isOperation<P extends Primitive>(
  node: GraphNode,
  primitive: P,
): node is OperationNode & OperationOf<P> {
  return node.kind === 'operation' && node.primitive === primitive;
}

/** The number that a node is known to be everywhere: a constant of one element, or one broadcast. */
export function knownScalar(node: GraphNode): number | undefined {
  if (node.kind === 'constant') return node.value.data.length === 1 ? node.value.data[0] : undefined;
  const [source] = node.kind === 'operation' && node.primitive === 'broadcast' ? node.inputs : [];
  return source && knownScalar(source);
}

/** All nodes that the given ones depend on, and these, in an order in which inputs come first. */
export function reachable(outputs: Iterable<GraphNode>): GraphNode[] {
  const found = new Set<GraphNode>(outputs);
  // A set hands out what is added while it is walked.
  for (const node of found) if (node.kind === 'operation') for (const input of node.inputs) found.add(input);
  return [...found].sort((a, b) => a.id - b.id);
}
